// MeshPassthrough: which destinations outside the mesh a transparent proxy lets through.
import { create } from '@bufbuild/protobuf';
import { httpInspector, legacyNames, originalDestination, tlsInspector, unifiedNames } from '@ursa/envoy';
import {
  type ListenerFilter,
  type ListenerFilterChainMatchPredicate,
  ListenerFilterChainMatchPredicateSchema,
} from '@ursa/envoy/gen/envoy/config/listener/v3/listener_components_pb.ts';
import { defineProxyPolicy, type PassthroughPlace } from '@ursa/policy';
import { buildChain } from './build-chains.ts';
import { matchesWithoutEffect, planChains } from './chain-plan.ts';
import { checkPassthrough } from './check-passthrough.ts';
import { type PassthroughConf, passthroughConf } from './passthrough-conf.ts';

/** The policy. */
export const meshPassthrough = defineProxyPolicy({
  name: 'MeshPassthrough',
  shortName: 'mp',
  summary: 'Lets traffic to destinations outside the mesh through.',
  targetRef: ['Mesh', 'Dataplane', 'MeshSubset'],
  conf: passthroughConf,
  origin: 'meshpassthrough',
  checkConf: checkPassthrough,
  apply: {
    redirected: applyPassthrough,
    proxy: (_, conf) => ({ warnings: conf.passthroughMode === 'All' ? [] : matchesWithoutEffect(conf) }),
  },
});

function applyPassthrough(place: PassthroughPlace, conf: PassthroughConf): void {
  const { passthroughMode = 'Matched' } = conf;
  place.open = passthroughMode === 'All';
  if (passthroughMode === 'Matched') letMatchesThrough(place, conf);
}

function letMatchesThrough({ proxy, family, listener, extraClusters }: PassthroughPlace, conf: PassthroughConf): void {
  const plans = planChains(conf, family);
  // The listener's own chain stays, and leads nowhere.
  if (plans.length === 0) return;
  const names = proxy.unifiedNaming ? unifiedNames : legacyNames;
  const built = plans.map((plan) => buildChain(plan, names));
  listener.chains.splice(0, listener.chains.length, ...built.map(({ chain }) => chain));
  const known = new Set(extraClusters.map(({ message }) => message.name));
  for (const cluster of built.flatMap(({ clusters }) => clusters)) {
    if (!known.has(cluster.message.name)) extraClusters.push(cluster);
    known.add(cluster.message.name);
  }
  const silentPorts = [...new Set(plans.flatMap(({ protocol, port }) => (protocol === 'mysql' && port) || []))];
  const inspectors = [tlsInspector(), httpInspector()].map((filter) => disabledOn(filter, silentPorts));
  listener.message.listenerFilters.push(originalDestination(), ...inspectors);
}

/** Switches a filter off for ports whose clients wait for the server's first bytes: it would wait for theirs. */
function disabledOn(filter: ListenerFilter, ports: readonly number[]): ListenerFilter {
  const rules = ports.map((port): ListenerFilterChainMatchPredicate => {
    const value = { start: port, end: port + 1 };
    return create(ListenerFilterChainMatchPredicateSchema, { rule: { case: 'destinationPortRange', value } });
  });
  const [only] = rules;
  if (only === undefined) return filter;
  filter.filterDisabled =
    rules.length === 1
      ? only
      : create(ListenerFilterChainMatchPredicateSchema, { rule: { case: 'orMatch', value: { rules } } });
  return filter;
}
