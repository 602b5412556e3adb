// What permissions say where clients are told by SPIFFE ID: their rules, and nothing of what tells clients by tags.
import type { InboundRuleSet } from '@ursa/policy';

const known = new WeakMap<InboundRuleSet, InboundRuleSet>();

/** The same for the same set: it is compared by identity. */
export function rulesByIdentity(set: InboundRuleSet): InboundRuleSet {
  const found = known.get(set) ?? { ...set, from: [], fromEntries: [] };
  known.set(set, found);
  return found;
}
