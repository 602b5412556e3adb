// What a rejection is about: which of the resources that were sent, and which policies shaped them.
import type { PolicyHead, ProxyRules } from '@ursa/policy';

/** Those of the resources that Envoy's words name: with their names alone, or printed whole when it could not read one. */
export function namedResources(message: string, sent: readonly string[]): readonly string[] {
  return sent.filter((name) => isNamed(message, name));
}

/** True when the name stands in the message by itself, not as a part of a longer name. */
function isNamed(message: string, name: string): boolean {
  for (let at = message.indexOf(name); at >= 0; at = message.indexOf(name, at + 1)) {
    const before = message[at - 1] ?? ' ';
    const behind = message.slice(at + name.length, at + name.length + 2);
    if (/[\s'"(,]/.test(before) && /^(?:$|[\s'"),]|[:.](?:\s|$))/.test(behind)) return true;
  }
  return false;
}

const inboundNames = /^(?:inbound:|localhost:|self_inbound_)/;
const mostPolicies = 10;

/**
 * The policies that may be at fault for these resources, as `Type/mesh/name`: those that apply to the proxy in the direction of the
 * resources, the one that was changed last first, because a rejection follows a change.
 */
export function policiesBehind(
  rules: ReadonlyMap<string, Pick<ProxyRules, 'matched'>>,
  resources: readonly string[],
): readonly string[] {
  const inbound = resources.some((name) => inboundNames.test(name));
  const outbound = resources.some((name) => !inboundNames.test(name));
  const suspects = [...rules.values()]
    .flatMap(({ matched }) => matched)
    .filter((policy) => {
      const { to, from, rules: inboundRules } = policy.spec;
      const directed = to !== undefined || from !== undefined || inboundRules !== undefined;
      if (!directed) return true;
      return (outbound && to !== undefined) || (inbound && (from !== undefined || inboundRules !== undefined));
    });
  const changed = (policy: PolicyHead): number => Date.parse(policy.resource.modificationTime) || 0;
  const newestFirst = suspects.sort((left, right) => changed(right) - changed(left));
  return [...new Set(newestFirst.map(({ key }) => key))].slice(0, mostPolicies);
}
