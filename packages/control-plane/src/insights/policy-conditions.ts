// What a policy's insight says to a reader: the condition `Programmed`, in the status of the policy. Made when it is read, so that a refusal
// changes neither the policy nor its version. Pure.
import type { PolicyInsight, Refusal } from '@ursa/engine';

/** A condition, in the form of the peers' other conditions and of Kubernetes. */
export interface PolicyCondition {
  readonly type: 'Programmed';
  readonly status: 'False';
  readonly reason: 'HeldBack' | 'Refused';
  readonly message: string;
  /** Since when, RFC 3339. */
  readonly lastTransitionTime: string;
  readonly proxies: { readonly total: number; readonly names: readonly string[] };
}

const mostNames = 10;

/** The condition of a policy. `concerned`: names of proxies from which it is held back without having been asked. */
export function policyCondition(insight: PolicyInsight, concerned: readonly string[]): PolicyCondition | undefined {
  const [first] = insight.refusals;
  if (first === undefined) return undefined;
  const names = [...new Set([...insight.refusals.map(nameOf), ...concerned])].sort();
  const consequence = insight.heldBack
    ? 'the policy is held back from them; all else is in force'
    : 'the policy guards access, so it is not held back: they keep what they have';
  return {
    type: 'Programmed',
    status: 'False',
    reason: insight.heldBack ? 'HeldBack' : 'Refused',
    message: `Envoy refuses what this policy makes; ${consequence}. Correct or delete the policy. Envoy says: ${first.message}`,
    lastTransitionTime: first.since,
    proxies: { total: names.length, names: names.slice(0, mostNames) },
  };
}

function nameOf({ proxy }: Refusal): string {
  return proxy.slice(proxy.indexOf('/') + 1);
}
