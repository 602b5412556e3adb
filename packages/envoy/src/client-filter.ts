// HTTP filters for some clients only: a filter is wrapped, and skipped where the client is another. Policies whose rules tell clients apart use it.
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { TypedExtensionConfigSchema } from '../gen/envoy/config/core/v3/extension_pb.ts';
import { ExtensionWithMatcherSchema } from '../gen/envoy/extensions/common/matching/v3/extension_matcher_pb.ts';
import { SkipFilterSchema } from '../gen/envoy/extensions/filters/common/matcher/action/v3/skip_action_pb.ts';
import type { HttpFilter } from '../gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts';
import { ServerNameInputSchema } from '../gen/envoy/extensions/matching/common_inputs/network/v3/network_inputs_pb.ts';
import { UriSanInputSchema } from '../gen/envoy/extensions/matching/common_inputs/ssl/v3/ssl_inputs_pb.ts';
import type {
  Matcher_MatcherList_FieldMatcherSchema,
  Matcher_MatcherList_PredicateSchema,
} from '../gen/xds/type/matcher/v3/matcher_pb.ts';
import { httpFilter } from './filter-chain.ts';
import { pack } from './messages.ts';

type Predicate = MessageInitShape<typeof Matcher_MatcherList_PredicateSchema>;
type FieldMatcher = MessageInitShape<typeof Matcher_MatcherList_FieldMatcherSchema>;

/** Some of the clients: by the SPIFFE ID in their certificate, by the server name they asked for, or both. */
export interface ClientCondition {
  readonly spiffeID?: { readonly type: 'Exact' | 'Prefix'; readonly value: string };
  readonly sni?: { readonly value: string };
}

const uriSan = {
  name: 'envoy.matching.inputs.uri_san',
  typedConfig: pack(UriSanInputSchema, create(UriSanInputSchema)),
};
const serverName = {
  name: 'envoy.matching.inputs.server_name',
  typedConfig: pack(ServerNameInputSchema, create(ServerNameInputSchema)),
};
const skip = { name: 'skip', typedConfig: pack(SkipFilterSchema, create(SkipFilterSchema)) };

function compare(input: typeof uriSan, how: 'exact' | 'prefix', value: string): Predicate {
  const matcher = { case: 'valueMatch' as const, value: { matchPattern: { case: how, value } } };
  return { matchType: { case: 'singlePredicate', value: { input, matcher } } };
}

function predicateOf({ spiffeID, sni }: ClientCondition): Predicate | undefined {
  const predicates: Predicate[] = [];
  if (spiffeID !== undefined)
    predicates.push(compare(uriSan, spiffeID.type === 'Exact' ? 'exact' : 'prefix', spiffeID.value));
  if (sni !== undefined) predicates.push(compare(serverName, 'exact', sni.value));
  return predicates.length > 1
    ? { matchType: { case: 'andMatcher', value: { predicate: predicates } } }
    : predicates[0];
}

function skipWhen(predicate: Predicate): FieldMatcher {
  return { predicate, onMatch: { onMatch: { case: 'action', value: skip } } };
}

/**
 * The filter for the clients that `only` selects (all when it is undefined) and none of `except` does, under a name of its own. The
 * filter must hold its configuration itself: what routes say of filters is not seen by a wrapped one. Undefined when `only` names nothing:
 * no client is selected so.
 */
export function clientFilter(
  name: string,
  filter: HttpFilter,
  only: ClientCondition | undefined,
  except: readonly ClientCondition[] = [],
): HttpFilter | undefined {
  if (filter.configType.case !== 'typedConfig') return undefined;
  const matchers = except.flatMap((condition) => predicateOf(condition) ?? []).map(skipWhen);
  const selected = only && predicateOf(only);
  if (only !== undefined && selected === undefined) return undefined;
  if (selected !== undefined) matchers.push(skipWhen({ matchType: { case: 'notMatcher', value: selected } }));
  if (matchers.length === 0) return filter;
  const wrapped = create(ExtensionWithMatcherSchema, {
    extensionConfig: create(TypedExtensionConfigSchema, { name: filter.name, typedConfig: filter.configType.value }),
    xdsMatcher: { matcherType: { case: 'matcherList', value: { matchers } } },
  });
  return httpFilter(name, pack(ExtensionWithMatcherSchema, wrapped));
}
