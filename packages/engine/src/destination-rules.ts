// Rules as far as they speak of one destination. Classes of proxies that differ in what policies say of other destinations share all that is
// built for this one, and a policy for one destination builds nothing of the others again.
import { createInterner, type Derivation, type Graph } from '@ursa/collections';
import {
  destinationKey,
  lookupOrder,
  type OutboundTarget,
  type ProxyPolicy,
  type ProxyRules,
  type SubsetRule,
} from '@ursa/policy';
import { tagNames } from '@ursa/resources';
import type { Destination } from './destinations.ts';
import { type RuleSets, rulesForOutbounds, typesForCallers, typesForTraffic } from './rule-views.ts';

/** The rules of a class of proxies for one destination. */
export type DestinationRules = Derivation<readonly [destination: Destination, rules: RuleSets], RuleSets>;

/** Derives rules of destinations. Those that come to the same are one object. */
export function deriveDestinationRules(graph: Graph, policies: readonly ProxyPolicy[]): DestinationRules {
  const sending = typesForTraffic(policies, false);
  const forCallers = typesForCallers(policies);
  const routes = new Set(policies.flatMap(({ name, routing }) => (routing === undefined ? [] : [name])));
  const known = createInterner();
  return graph.derive(
    'rules of a destination',
    ({ target }: Destination, ruleSets: RuleSets) => {
      const ofDestination = new Map<string, ProxyRules>();
      for (const [type, rules] of ruleSets) ofDestination.set(type, rulesFor(rules, target, routes));
      const { text, rules } = rulesForOutbounds(ofDestination, sending, forCallers);
      return known.share(text, rules);
    },
    { equals: Object.is },
  );
}

const nothing = { matched: [], inbounds: [], listeners: [], warnings: [] };

function rulesFor(rules: ProxyRules, target: OutboundTarget, routes: ReadonlySet<string>): ProxyRules {
  const { single, meshWide } = rules;
  if (target.kind === 'service') {
    const toSubsets = rules.toSubsets.flatMap((rule) => ruleForService(rule, target.service));
    return { ...nothing, single, meshWide, to: new Map(), toSubsets };
  }
  const keys = new Set(lookupOrder(target.id).map(destinationKey));
  // Confs of a single route are looked up by the policy that the route comes from.
  const speaking = [...rules.to].filter(
    ([key, { destination }]) => keys.has(key) || routes.has(destination.resource.type),
  );
  return { ...nothing, single, meshWide, to: new Map(speaking), toSubsets: [] };
}

/** The rule without what it says of the service, which is known here; none when it is another's. */
function ruleForService(rule: SubsetRule, service: string): readonly SubsetRule[] {
  const ofOther = rule.subset.some(({ key, value, not }) => key === tagNames.service && (value === service) === not);
  if (ofOther) return [];
  return [{ ...rule, subset: rule.subset.filter(({ key }) => key !== tagNames.service) }];
}
