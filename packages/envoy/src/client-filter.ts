// HTTP filters for some clients only: a filter is wrapped, and skipped where the client is another. Policies whose rules tell clients apart use it.
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { TypedExtensionConfigSchema } from '../gen/envoy/config/core/v3/extension_pb.ts';
import { ExtensionWithMatcherSchema } from '../gen/envoy/extensions/common/matching/v3/extension_matcher_pb.ts';
import { SkipFilterSchema } from '../gen/envoy/extensions/filters/common/matcher/action/v3/skip_action_pb.ts';
import type { HttpFilter } from '../gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts';
import type { Matcher_MatcherList_FieldMatcherSchema } from '../gen/xds/type/matcher/v3/matcher_pb.ts';
import { type ClientCondition, type ClientPredicate, clientPredicate } from './client-match.ts';
import { httpFilter } from './filter-chain.ts';
import { pack } from './messages.ts';
import { once } from './once.ts';

type FieldMatcher = MessageInitShape<typeof Matcher_MatcherList_FieldMatcherSchema>;

/** The clients that a filter is for. */
export interface FilterClients {
  /** The mesh of the proxy. */
  readonly mesh: string;
  /** All when it is left out. */
  readonly only?: ClientCondition | undefined;
  readonly except?: readonly ClientCondition[];
}

const skip = once(() => ({ name: 'skip', typedConfig: pack(SkipFilterSchema, create(SkipFilterSchema)) }));

function skipWhen(predicate: ClientPredicate): FieldMatcher {
  return { predicate, onMatch: { onMatch: { case: 'action', value: skip() } } };
}

/**
 * The filter for the clients that `only` selects and none of `except` does, under a name of its own. The
 * filter must hold its configuration itself: what routes say of filters is not seen by a wrapped one. Undefined when `only` names nothing:
 * no client is selected so.
 */
export function clientFilter(
  name: string,
  filter: HttpFilter,
  { mesh, only, except = [] }: FilterClients,
): HttpFilter | undefined {
  if (filter.configType.case !== 'typedConfig') return undefined;
  const matchers = except.flatMap((condition) => clientPredicate(condition, mesh) ?? []).map(skipWhen);
  const selected = only && clientPredicate(only, mesh);
  if (only !== undefined && selected === undefined) return undefined;
  if (selected !== undefined) matchers.push(skipWhen({ matchType: { case: 'notMatcher', value: selected } }));
  if (matchers.length === 0) return filter;
  const wrapped = create(ExtensionWithMatcherSchema, {
    extensionConfig: create(TypedExtensionConfigSchema, { name: filter.name, typedConfig: filter.configType.value }),
    xdsMatcher: { matcherType: { case: 'matcherList', value: { matchers } } },
  });
  return httpFilter(name, pack(ExtensionWithMatcherSchema, wrapped));
}
