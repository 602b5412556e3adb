// The walk: shows every place to every policy, with the conf that was merged for that place.

import type { ClusterDraft, FilterChainDraft, Origin } from '@ursa/envoy';
import type { Route } from '@ursa/envoy/gen/envoy/config/route/v3/route_components_pb.ts';
import {
  type ClusterPlace,
  confForAll,
  type DestinationId,
  type InboundPlace,
  type InboundRuleSet,
  meshConf,
  type OutboundPlace,
  type OutboundTarget,
  outboundConf,
  type PassthroughPlace,
  type ProxyAdditions,
  type ProxyPlace,
  type ProxyPolicy,
  saysNothing,
  type WorkloadFacts,
} from '@ursa/policy';
import type { OlderPolicies } from './older-policies.ts';
import type { RuleSets } from './rule-views.ts';

/** A policy's hook failed. The proxy keeps its last good configuration, with the policy's name in the warning. */
export class PolicyFailure extends Error {
  readonly policy: string;

  constructor(policy: string, cause: unknown) {
    super(`${policy} could not be applied: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    this.name = 'PolicyFailure';
    this.policy = policy;
  }
}

/** Runs a hook of a policy. `extraClusters`: those of the place; what the hook adds to them gets the policy's origin. */
export function guard<Result>(
  policy: ProxyPolicy,
  hook: () => Result,
  extraClusters: readonly ClusterDraft[] = [],
): Result {
  try {
    const result = hook();
    for (const draft of extraClusters) draft.origin ??= policy.origin;
    return result;
  } catch (cause) {
    throw new PolicyFailure(policy.name, cause);
  }
}

const noInboundRules: InboundRuleSet = { rules: [], from: [], fromEntries: [] };
const noRoutes: ReadonlyMap<string, DestinationId> = new Map();

/** Calls a hook with the one conf that a policy has for the whole proxy, where there is one. */
function withSingleConf<Result>(
  policy: ProxyPolicy,
  ruleSets: RuleSets,
  hook: ((conf: unknown) => Result) | undefined,
  extraClusters: readonly ClusterDraft[] = [],
): Result | undefined {
  const conf = ruleSets.get(policy.name)?.single?.conf;
  return hook === undefined || conf === undefined ? undefined : guard(policy, () => hook(conf), extraClusters);
}

/** What an inbound does not say itself. */
export interface InboundSurroundings {
  /** Left out where no policy asks for it, so that many workloads share the inbound. */
  readonly workload?: WorkloadFacts | undefined;
  readonly olderPolicies: Pick<OlderPolicies, 'at'>;
}

/** Where policies of an older form are found, and how statistics of the place are named. */
interface OlderSurroundings {
  readonly olderPolicies: Pick<OlderPolicies, 'at'>;
  readonly statistics: () => string;
}

/** Shows a policy its rules for a place; where there are none, and a policy of its older form holds there, that one. */
export function showInboundRules(
  policy: ProxyPolicy,
  place: InboundPlace,
  rules: InboundRuleSet,
  { olderPolicies, statistics }: OlderSurroundings,
): void {
  const held = saysNothing(rules) ? olderPolicies.at(policy, place.proxy.mesh, place.tags) : undefined;
  if (held === undefined) policy.hooks.inboundRules?.(place, rules);
  else policy.older?.apply(place, held, statistics());
}

/** Shows an inbound to all policies; `position` is its place among the proxy's inbounds. */
export function walkInbound(
  policies: readonly ProxyPolicy[],
  ruleSets: RuleSets,
  place: InboundPlace,
  position: number,
  { workload, olderPolicies }: InboundSurroundings,
): void {
  const { proxy, listener, chains, cluster } = place;
  const direction = 'inbound';
  for (const policy of policies) {
    const { inbound, inboundRules, traffic } = policy.hooks;
    const destination = cluster.message.name;
    withSingleConf(
      policy,
      ruleSets,
      traffic && workload && ((conf) => traffic({ proxy, workload, direction, destination, listener, chains }, conf)),
    );
    if (inbound === undefined && inboundRules === undefined) continue;
    const rules = ruleSets.get(policy.name)?.inbounds[position] ?? noInboundRules;
    guard(
      policy,
      () => {
        showInboundRules(policy, place, rules, { olderPolicies, statistics: () => place.listenerName });
        const conf =
          inbound === undefined ? undefined : (confForAll(rules.rules, policy.shape.merge) ?? policy.fallback);
        if (conf !== undefined) inbound?.(place, conf);
      },
      place.extraClusters,
    );
  }
}

/** Every HTTP route of a chain. */
function routesOf(chain: FilterChainDraft): readonly Route[] {
  return chain.terminal.kind === 'http' ? chain.terminal.routes.virtualHosts.flatMap((host) => host.routes) : [];
}

/** Who calls through an outbound, and which cluster. */
export interface Caller {
  readonly workload: WorkloadFacts;
  readonly destination: string;
}

/**
 * Shows an outbound and its routes to all policies. `routePolicies`: the route policy behind a route, by the route's name. `caller` is
 * left out where no policy asks for the workload, so that the proxies of many workloads share the outbound.
 */
export function walkOutbound(
  policies: readonly ProxyPolicy[],
  ruleSets: RuleSets,
  place: OutboundPlace,
  target: OutboundTarget,
  routePolicies: ReadonlyMap<string, DestinationId>,
  caller?: Caller,
): void {
  const { proxy, protocol, listener, chains, destination, extraClusters } = place;
  const direction = 'outbound';
  for (const policy of policies) {
    const { outbound, route, traffic } = policy.hooks;
    withSingleConf(
      policy,
      ruleSets,
      traffic && caller && ((conf) => traffic({ proxy, ...caller, direction, listener, chains }, conf)),
    );
    if (outbound === undefined && route === undefined) continue;
    const confOf = confLookup(policy, ruleSets, target, routePolicies);
    guard(
      policy,
      () => {
        const conf = confOf();
        if (conf !== undefined) outbound?.(place, conf);
        if (route === undefined) return;
        for (const chain of place.chains) {
          for (const entry of routesOf(chain)) {
            const routeConf = confOf(entry.name);
            if (routeConf === undefined) continue;
            // Merged confs are shared: one that says the same as the destination's is the destination's.
            const ofRoute = routeConf !== conf;
            route({ proxy, protocol, route: entry, chain, destination, ofRoute, extraClusters }, routeConf);
          }
        }
      },
      place.extraClusters,
    );
  }
}

/** Shows a cluster, before any other policy sees it, to the policies that took over what older routes said of clusters. */
export function walkOlderCluster(policies: readonly ProxyPolicy[], routeConf: object, place: ClusterPlace): void {
  for (const policy of policies) {
    const form = policy.olderClusters;
    const conf = form?.confOf(routeConf);
    if (form !== undefined && conf !== undefined) guard(policy, () => form.apply(place, conf));
  }
}

/** Shows the cluster of a destination to all policies. */
export function walkCluster(
  policies: readonly ProxyPolicy[],
  ruleSets: RuleSets,
  place: ClusterPlace,
  target: OutboundTarget,
): void {
  for (const policy of policies) {
    const { cluster, caller } = policy.hooks;
    const meshWide = caller && meshWideConf(policy, ruleSets);
    if (caller !== undefined && meshWide !== undefined) guard(policy, () => caller(place, meshWide));
    if (cluster === undefined) continue;
    const conf = confLookup(policy, ruleSets, target, noRoutes)();
    if (conf !== undefined) guard(policy, () => cluster(place, conf));
  }
}

/** Conf for inbounds as policies for the whole mesh say it; undefined when there is none. */
export function meshWideConf({ name, shape }: ProxyPolicy, ruleSets: RuleSets): unknown {
  return confForAll(ruleSets.get(name)?.meshWide ?? [], shape.merge);
}

/** Shows a listener for traffic to unknown destinations to all policies. */
export function walkPassthrough(policies: readonly ProxyPolicy[], ruleSets: RuleSets, place: PassthroughPlace): void {
  for (const policy of policies) {
    const { passthrough, redirected } = policy.hooks;
    const rules = ruleSets.get(policy.name);
    withSingleConf(policy, ruleSets, redirected && ((conf) => redirected(place, conf)), place.extraClusters);
    if (passthrough === undefined || rules === undefined) continue;
    const conf = meshConf(rules, place.proxy.mesh);
    if (conf !== undefined) guard(policy, () => passthrough(place, conf), place.extraClusters);
  }
}

/** What a policy gives the proxy besides what its traffic needs. */
export type OwnAdditions = ProxyAdditions & { readonly origin: Origin };

/** What a policy gives the proxy; none or one. */
export function walkProxy(policy: ProxyPolicy, ruleSets: RuleSets, place: ProxyPlace): readonly OwnAdditions[] {
  const { proxy } = policy.hooks;
  const additions = withSingleConf(policy, ruleSets, proxy && ((conf) => proxy(place, conf)));
  return additions === undefined ? [] : [{ ...additions, origin: policy.origin }];
}

/** Finds the conf of a destination, or of one route to it. */
function confLookup(
  policy: ProxyPolicy,
  ruleSets: RuleSets,
  target: OutboundTarget,
  routePolicies: ReadonlyMap<string, DestinationId>,
): (routeName?: string) => unknown {
  const rules = ruleSets.get(policy.name);
  if (rules === undefined) return () => policy.fallback;
  return (name) => {
    const routePolicy = name === undefined ? undefined : routePolicies.get(name);
    const route = name === undefined ? undefined : { name, ...(routePolicy && { policy: routePolicy }) };
    return outboundConf(rules, target, route) ?? policy.fallback;
  };
}
