// Endpoints that policies arrange: shown to each policy with the conf of their destination. Most have none, and are the same for everybody.
import type { EndpointLocality } from '@ursa/envoy';
import { type EndpointsPlace, type OutboundTarget, outboundConf, type ProxyPolicy } from '@ursa/policy';
import type { RuleSets } from './rule-views.ts';
import { guard } from './walk.ts';

/** A policy and what it says of some endpoints. */
interface Shaping {
  readonly policy: ProxyPolicy;
  readonly conf: unknown;
}

/** The policies that arrange the endpoints of a destination. */
export function shapingsOf(policies: readonly ProxyPolicy[], ruleSets: RuleSets, target: OutboundTarget): Shaping[] {
  return policies.flatMap((policy) => {
    const rules = policy.hooks.endpoints === undefined ? undefined : ruleSets.get(policy.name);
    const conf = rules && outboundConf(rules, target);
    return conf === undefined ? [] : [{ policy, conf }];
  });
}

/** Endpoints as policies arranged them; undefined when none of them changed anything. */
export function shapeEndpoints(
  shapings: readonly Shaping[],
  localities: readonly EndpointLocality[],
  zone: string,
  callerTags: EndpointsPlace['callerTags'],
): EndpointsPlace | undefined {
  const place: EndpointsPlace = { zone, callerTags, localities, overprovisioningFactor: undefined };
  for (const { policy, conf } of shapings) guard(policy, () => policy.hooks.endpoints?.(place, conf));
  const changed = place.localities !== localities || place.overprovisioningFactor !== undefined;
  return changed ? place : undefined;
}

/** Keys of the caller's tags that endpoints depend on under these rules, sorted. */
export function endpointTagKeys(policies: readonly ProxyPolicy[], ruleSets: RuleSets): string[] {
  const keys = policies.flatMap(({ name, endpointTags }) => {
    const rules = ruleSets.get(name);
    if (endpointTags === undefined || rules === undefined) return [];
    const confs = [...[...rules.to.values()].flatMap((rule) => rule.confs), ...rules.toSubsets.map(({ conf }) => conf)];
    return confs.flatMap((conf) => endpointTags(conf));
  });
  return [...new Set(keys)].sort();
}
