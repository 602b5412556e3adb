// `rules` with matches: each client is logged by the narrowest rule that selects it, and by no other. Said in CEL, Envoy's expressions.
import { create } from '@bufbuild/protobuf';
import { pack } from '@ursa/envoy';
import { type AccessLogFilter, AccessLogFilterSchema } from '@ursa/envoy/gen/envoy/config/accesslog/v3/accesslog_pb.ts';
import { ExpressionFilterSchema } from '@ursa/envoy/gen/envoy/extensions/access_loggers/filters/cel/v3/cel_pb.ts';
import type { InboundMatch } from '@ursa/policy';

/** Lets pass what a match selects and none of the narrower ones before it; undefined when that is everything. */
export function clientFilter(
  match: InboundMatch | undefined,
  narrower: readonly InboundMatch[],
): AccessLogFilter | undefined {
  const others = narrower.filter((other) => !areDisjoint(match, other)).map((other) => `!(${expressionOf(other)})`);
  const terms = match === undefined ? others : [expressionOf(match), ...others];
  if (terms.length === 0) return undefined;
  const typedConfig = pack(ExpressionFilterSchema, create(ExpressionFilterSchema, { expression: terms.join(' && ') }));
  return create(AccessLogFilterSchema, {
    filterSpecifier: {
      case: 'extensionFilter',
      value: {
        name: 'envoy.access_loggers.extension_filters.cel',
        configType: { case: 'typedConfig', value: typedConfig },
      },
    },
  });
}

function expressionOf({ spiffeID, sni }: InboundMatch): string {
  const uri = 'connection.uri_san_peer_certificate';
  const terms: string[] = [];
  // A JSON string is a CEL string.
  if (spiffeID?.type === 'Exact') terms.push(`${uri} == ${JSON.stringify(spiffeID.value)}`);
  if (spiffeID?.type === 'Prefix') terms.push(`${uri}.startsWith(${JSON.stringify(spiffeID.value)})`);
  if (sni !== undefined) terms.push(`connection.requested_server_name == ${JSON.stringify(sni.value)}`);
  return terms.length === 0 ? 'true' : terms.join(' && ');
}

function areDisjoint(first: InboundMatch | undefined, second: InboundMatch): boolean {
  const oneName = first?.sni === undefined || second.sni === undefined || first.sni.value === second.sni.value;
  if (!oneName) return true;
  const [one, other] = [first?.spiffeID, second.spiffeID];
  if (one === undefined || other === undefined) return false;
  const covers = (wide: typeof one, narrow: typeof one) =>
    wide.type === 'Prefix'
      ? narrow.value.startsWith(wide.value)
      : narrow.type === 'Exact' && narrow.value === wide.value;
  return !covers(one, other) && !covers(other, one);
}
