// What is wrong with the identity of a proxy, for people: none though one was meant for it, or permissions that cannot know it.
import type { ProxyPolicy } from '@ursa/policy';
import type { Subject } from '../proxy-parts.ts';
import type { RuleSets } from '../rule-views.ts';
import type { WorkloadIdentities } from './workload-identities.ts';

/** Why a proxy has no identity, where a MeshIdentity should have given it one. */
export function withoutIdentity({ key }: Pick<Subject, 'key'>, { of }: WorkloadIdentities): readonly string[] {
  const found = of.get(key);
  return found !== undefined && 'problem' in found
    ? [`MeshIdentity ${found.name} selects this proxy and gives it no identity: ${found.problem}`]
    : [];
}

/** Permissions that cannot know the clients of a proxy with a SPIFFE ID. */
export function blindPermissions(policies: readonly ProxyPolicy[], ruleSets: RuleSets): readonly string[] {
  return policies.flatMap(({ name, authorize }) => {
    const set = authorize === undefined ? undefined : ruleSets.get(name);
    const idle = set?.inbounds.some(({ rules, fromEntries }) => rules.length === 0 && fromEntries.length > 0) === true;
    if (!idle) return [];
    const heads = set?.matched.filter(({ spec }) => (spec.from ?? []).length > 0) ?? [];
    return heads.map(
      ({ displayName }) =>
        `${name} ${displayName} has no effect on this proxy: spec.from tells clients by their tags, and a MeshIdentity names them by SPIFFE ID; use spec.rules with spiffeID`,
    );
  });
}
