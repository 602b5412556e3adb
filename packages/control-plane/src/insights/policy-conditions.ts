// What is observed of a policy, as conditions in its status: `Programmed` says what Envoys make of it, `BackendRefsResolved` whether what it
// refers to is there. Made when it is read, so that neither changes the policy or its version. Pure.
import type { CollectorRefs, PolicyInsight, Refusal } from '@ursa/engine';
import type { Condition, Resource } from '@ursa/resources';

/** A condition, in the form of the peers' other conditions and of Kubernetes. */
export interface PolicyCondition {
  readonly type: 'Programmed';
  readonly status: 'False';
  readonly reason: 'HeldBack' | 'Refused' | 'Unusable';
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

/** The condition of a policy of which nothing can be made. `names`: of the proxies from which it is held back. */
export function unusableCondition(
  { modificationTime }: Resource,
  fault: string,
  names: readonly string[],
): PolicyCondition {
  return {
    type: 'Programmed',
    status: 'False',
    reason: 'Unusable',
    message: `nothing can be made of this policy, so it is held back; all else is in force. Correct or delete the policy: ${fault}`,
    lastTransitionTime: modificationTime,
    proxies: { total: names.length, names: names.slice(0, mostNames) },
  };
}

function nameOf({ proxy }: Refusal): string {
  return proxy.slice(proxy.indexOf('/') + 1);
}

/** Whether the collectors of a policy are there; undefined for a policy that refers to none. Type and reasons are the peers'. */
export function referenceCondition({ total, missing }: CollectorRefs): Condition | undefined {
  if (total === 0) return undefined;
  const type = 'BackendRefsResolved';
  if (missing.length === 0) {
    const message = `every MeshOpenTelemetryBackend that it refers to is there (${total})`;
    return { type, status: 'True', reason: 'AllBackendRefsResolved', message };
  }
  const message = `there is no MeshOpenTelemetryBackend ${missing.join(', ')}: create it, or correct backendRef`;
  return { type, status: 'False', reason: 'UnresolvedBackendRefs', message };
}

/** Whether proxies have the variables that a collector insists on; undefined where all have. `proxies`: names of those that have not. */
export function environmentCondition(proxies: readonly string[]): Condition | undefined {
  if (proxies.length === 0) return undefined;
  const [count, noun] = [proxies.length, proxies.length === 1 ? 'proxy' : 'proxies'];
  const names = [...proxies.slice(0, mostNames), ...(proxies.length > mostNames ? ['…'] : [])].join(', ');
  const message = `${count} ${noun} (${names}) send nothing, because kuma-dp has no OTEL_EXPORTER_OTLP_ variables there that can be used and env.mode is Required: set them, or make env.mode Optional; the warnings of each proxy say which`;
  return { type: 'EnvironmentResolved', status: 'False', reason: 'RequiredEnvMissing', message };
}
