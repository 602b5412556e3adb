// The body of the older `rules`: each rule that is said by tags, once for each inbound and each destination that it holds for. Destinations that
// are resources are not part of it: `_rules` shows those.
import { type DataplaneFacts, subsetName } from '@ursa/engine';
import { type ProxyRules, type SubsetRule, subsetRuleFor } from '@ursa/policy';
import { type DataplaneOutbound, tagNames } from '@ursa/resources';
import type { RulesByType } from './proxy-inspector.ts';

type Tags = Readonly<Record<string, string>>;

interface OlderRule {
  readonly type: 'ClientSubset' | 'DestinationSubset' | 'SingleItem';
  /** The service, with a hash where it is narrowed by tags; '' for the proxy as a whole. */
  readonly name: string;
  readonly addresses: readonly string[];
  readonly service: string;
  readonly tags: Tags;
  readonly policyType: string;
  readonly subset: Tags;
  readonly conf: unknown;
  readonly origins: readonly { readonly mesh: string; readonly name: string }[];
}

/** The rules of a data plane in their older form. */
export function formatOlderRules(facts: DataplaneFacts, rules: RulesByType): unknown {
  const items = [...rules].flatMap(([policyType, merged]) => [
    ...ofInbounds(policyType, merged, facts),
    ...ofOutbounds(policyType, merged, facts),
    ...ofProxy(policyType, merged),
  ]);
  items.sort((one, other) => compare(one.name, other.name) || compare(one.type, other.type));
  return { items, total: items.length };
}

function ofInbounds(policyType: string, rules: ProxyRules, { inbounds }: DataplaneFacts): OlderRule[] {
  return inbounds.flatMap(({ address, port, tags }, position) =>
    (rules.inbounds[position]?.from ?? []).map((rule) => ({
      type: 'ClientSubset',
      ...namedBy(tags),
      addresses: [`${address}:${port}`],
      policyType,
      ...saidBy(rule),
    })),
  );
}

function ofOutbounds(policyType: string, { toSubsets }: ProxyRules, { outbounds }: DataplaneFacts): OlderRule[] {
  const byName = new Map<string, OlderRule>();
  for (const outbound of outbounds) {
    const tags = outbound.tags ?? {};
    const rule = tags[tagNames.service] === undefined ? undefined : subsetRuleFor(toSubsets, tags);
    if (rule === undefined) continue;
    const named = namedBy(tags);
    const addresses = [...(byName.get(named.name)?.addresses ?? []), addressOf(outbound)];
    byName.set(named.name, { type: 'DestinationSubset', ...named, addresses, policyType, ...saidBy(rule) });
  }
  return [...byName.values()];
}

function ofProxy(policyType: string, { single }: ProxyRules): OlderRule[] {
  if (single === undefined) return [];
  const { conf, origins } = single;
  const said = saidBy({ subset: [], conf, origins });
  return [{ type: 'SingleItem', name: '', addresses: [], service: '', tags: {}, policyType, ...said }];
}

function namedBy(tags: Tags): Pick<OlderRule, 'name' | 'service' | 'tags'> {
  const service = tags[tagNames.service] ?? '';
  return { name: Object.keys(tags).length > 1 ? subsetName(service, tags) : service, service, tags };
}

function saidBy({ subset, conf, origins }: SubsetRule): Pick<OlderRule, 'subset' | 'conf' | 'origins'> {
  return {
    subset: Object.fromEntries(subset.map(({ key, not, value }) => [key, not ? `!${value}` : value])),
    conf,
    origins: origins.map(({ mesh, name }) => ({ mesh, name })),
  };
}

function addressOf({ address = '127.0.0.1', port }: DataplaneOutbound): string {
  return `${address}:${port}`;
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
