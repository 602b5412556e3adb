// The walk: shows every place to every policy, with the conf that was merged for that place.

import type { FilterChainDraft } from '@ursa/envoy';
import type { Route } from '@ursa/envoy/gen/envoy/config/route/v3/route_components_pb.ts';
import {
  type ClusterPlace,
  confForAll,
  type InboundPlace,
  type InboundRuleSet,
  type OutboundPlace,
  type OutboundTarget,
  outboundConf,
  type ProxyPolicy,
  type ProxyRules,
} from '@ursa/policy';
import type { RuleSets } from './rules.ts';

/** A policy's hook failed. The proxy keeps its last good configuration, with the policy's name in the warning. */
export class PolicyFailure extends Error {
  readonly policy: string;

  constructor(policy: string, cause: unknown) {
    super(`${policy} could not be applied: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    this.name = 'PolicyFailure';
    this.policy = policy;
  }
}

function guard(policy: ProxyPolicy, hook: () => void): void {
  try {
    hook();
  } catch (cause) {
    throw new PolicyFailure(policy.name, cause);
  }
}

const noInboundRules: InboundRuleSet = { rules: [], from: [] };

/** Shows an inbound to all policies; `position` is its place among the proxy's inbounds. */
export function walkInbound(
  policies: readonly ProxyPolicy[],
  ruleSets: RuleSets,
  place: InboundPlace,
  position: number,
): void {
  for (const policy of policies) {
    const { inbound, inboundRules } = policy.hooks;
    if (inbound === undefined && inboundRules === undefined) continue;
    const rules = ruleSets.get(policy.name)?.inbounds[position] ?? noInboundRules;
    guard(policy, () => {
      inboundRules?.(place, rules);
      const conf = inbound === undefined ? undefined : (confForAll(rules.rules, policy.shape.merge) ?? policy.fallback);
      if (conf !== undefined) inbound?.(place, conf);
    });
  }
}

/** Every HTTP route of a chain. */
function routesOf(chain: FilterChainDraft): readonly Route[] {
  return chain.terminal.kind === 'http' ? chain.terminal.routes.virtualHosts.flatMap((host) => host.routes) : [];
}

/** Shows an outbound, its clusters and its routes to all policies. */
export function walkOutbound(
  policies: readonly ProxyPolicy[],
  ruleSets: RuleSets,
  place: OutboundPlace,
  target: OutboundTarget,
  clusters: readonly ClusterPlace[],
): void {
  const { proxy, protocol } = place;
  for (const policy of policies) {
    const { outbound, cluster, route } = policy.hooks;
    if (outbound === undefined && cluster === undefined && route === undefined) continue;
    const rules = ruleSets.get(policy.name);
    const confOf = (name?: string): unknown => lookUp(rules, target, name) ?? policy.fallback;
    guard(policy, () => {
      const conf = confOf();
      if (conf !== undefined) {
        outbound?.(place, conf);
        for (const clusterPlace of clusters) cluster?.(clusterPlace, conf);
      }
      if (route === undefined) return;
      for (const chain of place.chains) {
        for (const entry of routesOf(chain)) {
          const routeConf = confOf(entry.name);
          if (routeConf !== undefined) route({ proxy, protocol, route: entry, chain }, routeConf);
        }
      }
    });
  }
}

function lookUp(rules: ProxyRules | undefined, target: OutboundTarget, routeName: string | undefined): unknown {
  if (rules === undefined) return undefined;
  return outboundConf(rules, target, routeName === undefined ? undefined : { name: routeName });
}
