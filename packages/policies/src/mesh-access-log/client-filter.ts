// `rules` with matches: each client is logged by the narrowest rule that selects it, and by no other. Said in CEL, Envoy's expressions.
import { create } from '@bufbuild/protobuf';
import { pack } from '@ursa/envoy';
import { type AccessLogFilter, AccessLogFilterSchema } from '@ursa/envoy/gen/envoy/config/accesslog/v3/accesslog_pb.ts';
import { ExpressionFilterSchema } from '@ursa/envoy/gen/envoy/extensions/access_loggers/filters/cel/v3/cel_pb.ts';
import type { InboundMatch } from '@ursa/policy';
import { clientNamesKey } from './client-names.ts';

/** Lets pass what a match selects and none of the narrower ones before it; undefined when that is everything. */
export function clientFilter(
  match: InboundMatch | undefined,
  narrower: readonly InboundMatch[],
): AccessLogFilter | undefined {
  const others = narrower.filter((other) => !areDisjoint(match, other)).map((other) => `!(${expressionOf(other)})`);
  const terms = match === undefined ? others : [expressionOf(match), ...others];
  if (terms.length === 0) return undefined;
  // What is remembered of a connection comes as bytes.
  const celConfig = { enableStringConversion: true };
  const config = create(ExpressionFilterSchema, { expression: terms.join(' && '), celConfig });
  return create(AccessLogFilterSchema, {
    filterSpecifier: {
      case: 'extensionFilter',
      value: {
        name: 'envoy.access_loggers.extension_filters.cel',
        configType: { case: 'typedConfig', value: pack(ExpressionFilterSchema, config) },
      },
    },
  });
}

function expressionOf({ spiffeID, sni }: InboundMatch): string {
  const terms: string[] = [];
  // A JSON string is a CEL string. No name has a comma, so that a name is found between two of them, and the start of one behind one.
  if (spiffeID !== undefined) {
    const wanted = spiffeID.type === 'Exact' ? `,${spiffeID.value},` : `,${spiffeID.value}`;
    terms.push(`string(filter_state["${clientNamesKey}"]).contains(${JSON.stringify(wanted)})`);
  }
  if (sni !== undefined) terms.push(`connection.requested_server_name == ${JSON.stringify(sni.value)}`);
  return terms.length === 0 ? 'true' : terms.join(' && ');
}

// A certificate may hold several identities, so only server names exclude each other.
function areDisjoint(first: InboundMatch | undefined, second: InboundMatch): boolean {
  return first?.sni !== undefined && second.sni !== undefined && first.sni.value !== second.sni.value;
}
