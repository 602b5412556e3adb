// The walk over a zone egress: shows each service outside of the mesh to the policies that can do something for it there.
import type { ClusterDraft, FilterChainDraft, ListenerDraft, Protocol } from '@ursa/envoy';
import type { ClusterPlace, InboundPlace, InboundRuleSet, OutboundTarget, ProxyFacts, ProxyPolicy } from '@ursa/policy';
import { outboundConf } from '@ursa/policy';
import type { OlderPolicies } from '../older-policies.ts';
import type { RuleSets } from '../rule-views.ts';
import { guard, showInboundRules } from '../walk.ts';

/** One service on an egress, while it is shaped. */
export interface EgressPlace {
  readonly proxy: ProxyFacts;
  readonly protocol: Protocol;
  readonly tags: Readonly<Record<string, string>>;
  readonly listener: ListenerDraft;
  readonly chain: FilterChainDraft;
  readonly cluster: ClusterDraft;
}

const noRules: InboundRuleSet = { rules: [], from: [], fromEntries: [] };

function inboundPlace({ proxy, protocol, tags, listener, chain, cluster }: EgressPlace): InboundPlace {
  const chains = [chain];
  // All clients have proven who they are.
  const { name: listenerName } = listener.message;
  return {
    ...{ proxy, protocol, tags, listener, listenerName, chains, cluster },
    authenticatedChains: chains,
    extraClusters: [],
  };
}

/** Shows an ExternalService: policies tell its clients apart as those of an inbound. */
export function walkExternalService(
  policies: readonly ProxyPolicy[],
  ruleSets: RuleSets,
  egress: EgressPlace,
  older: { readonly olderPolicies: Pick<OlderPolicies, 'at'>; readonly statistics: () => string },
): void {
  const place = inboundPlace(egress);
  for (const policy of policies) {
    if (policy.onEgress !== 'clients') continue;
    const rules = ruleSets.get(policy.name)?.inbounds[0] ?? noRules;
    guard(policy, () => showInboundRules(policy, place, rules, older));
  }
}

/** Shows a MeshExternalService: what policies say of the destination, and whether clients may reach it at all (`open`). */
export function walkMeshExternalService(
  policies: readonly ProxyPolicy[],
  ruleSets: RuleSets,
  egress: EgressPlace,
  { target, open }: { readonly target: OutboundTarget; readonly open: boolean },
): void {
  const { proxy, protocol, cluster } = egress;
  const place: ClusterPlace = { proxy, protocol, cluster };
  for (const policy of policies) {
    const { openOutside: conf, hooks } = policy;
    if (conf !== undefined) {
      const everybody = { from: [{ subset: [], conf, origins: [] }], fromEntries: [{ subset: [], conf }], rules: [] };
      guard(policy, () => hooks.inboundRules?.(inboundPlace(egress), open ? everybody : noRules));
    }
    const rules = policy.onEgress === 'destinations' ? ruleSets.get(policy.name) : undefined;
    const said = rules && outboundConf(rules, target);
    if (said !== undefined) guard(policy, () => hooks.cluster?.(place, said));
  }
}
