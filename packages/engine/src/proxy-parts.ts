// The parts of a proxy's configuration, built and encoded: pure functions of what they are given. `config.ts` derives each on its own.
import {
  buildCluster,
  buildListener,
  type ClusterDraft,
  type EnvoyResource,
  encodeResource,
  type Origin,
} from '@ursa/envoy';
import type { DynamicDocument, ProxyPolicy, WorkloadFacts } from '@ursa/policy';
import { proxySocketPath } from '@ursa/resources';
import type { DataplaneFacts, RedirectPorts } from './dataplane-facts.ts';
import type { Destination } from './destinations.ts';
import type { ConnectedProxy, EngineInputs } from './engine.ts';
import { meshTlsOf } from './identity/proxy-tls.ts';
import { type InboundDefault, type InboundModes, inboundModes } from './inbound-modes.ts';
import type { InboundShape, InboundSite } from './inbound-shape.ts';
import { type MeshFacts, prometheusFor } from './mesh-facts.ts';
import type { Outbound } from './outbounds.ts';
import { type ProxyClass, proxySelf, tagValues } from './proxy-class.ts';
import { sameResources } from './resource-set.ts';
import type { RuleSets } from './rule-views.ts';
import { adminListener } from './skeleton/admin.ts';
import { closedInbound, placedApplication, placedInbound } from './skeleton/inbound.ts';
import { closedOutbound, clusterSkeleton, destinationName, outboundSkeleton } from './skeleton/outbound.ts';
import { type PassthroughOptions, passthroughResources } from './skeleton/passthrough.ts';
import { prometheusResources } from './skeleton/prometheus.ts';
import { virtualProbes } from './skeleton/virtual-probes.ts';
import { routePolicies, type Traffic } from './traffic-path.ts';
import { attempt, type Built, isUnbuilt } from './unbuilt.ts';
import { type OwnAdditions, walkCluster, walkOlderCluster, walkOutbound, walkPassthrough, walkProxy } from './walk.ts';
import { namesWorkload } from './workload.ts';

/** A proxy with all that its parts need. */
export interface Subject {
  readonly key: string;
  readonly connected: ConnectedProxy;
  readonly dataplane: DataplaneFacts;
  readonly mesh: MeshFacts;
  readonly proxyClass: ProxyClass;
  /** Undefined where it speaks plain text. */
  readonly inboundDefault: InboundDefault | undefined;
  readonly workload: WorkloadFacts;
}

/** What inbounds need of a proxy: a change of its mesh that does not concern them stops here. */
export type Receiver = Omit<Subject, 'mesh'>;

const encodeClusters = (drafts: readonly ClusterDraft[], origin: Origin): EnvoyResource[] =>
  drafts.map((draft) => encodeResource('cluster', buildCluster(draft), draft.origin ?? origin));

/** The listener of an outbound, shaped by all policies, and clusters that they added. The same for all proxies of a class. */
export function outboundListener(
  policies: readonly ProxyPolicy[],
  outbound: Outbound,
  traffic: Traffic,
  ruleSets: RuleSets,
  proxyClass: ProxyClass,
  workload: WorkloadFacts | undefined,
): readonly EnvoyResource[] {
  if (traffic.kind === 'nowhere') return [encodeResource('listener', closedOutbound(outbound, proxyClass), 'outbound')];
  const place = outboundSkeleton(policies, outbound, traffic, proxyClass);
  const { destination } = outbound;
  const caller = workload && { workload, destination: destinationName(destination, proxyClass.names) };
  walkOutbound(policies, ruleSets, place, destination.target, routePolicies(traffic), caller);
  const listener = encodeResource('listener', buildListener(place.listener), 'outbound');
  return [listener, ...encodeClusters(place.extraClusters, 'outbound')];
}

/** What redirected traffic needs, shaped by all policies. The same for all proxies of a class. */
export function redirectResources(
  policies: readonly ProxyPolicy[],
  ruleSets: RuleSets,
  { facts, names }: ProxyClass,
  redirect: RedirectPorts,
  options: Omit<PassthroughOptions, 'shape'>,
): readonly EnvoyResource[] {
  const extraClusters: ClusterDraft[] = [];
  const resources = passthroughResources(names, redirect, {
    ...options,
    shape: (listener, family) => {
      const { open } = options;
      const place = { proxy: facts, family, listener, chains: listener.chains, open, extraClusters };
      walkPassthrough(policies, ruleSets, place);
      return place.open;
    },
  });
  return [...resources, ...encodeClusters(extraClusters, 'transparent')];
}

/** The cluster of a destination, shaped by all policies; `olderRoute`: conf of an older route that has a say in it. The same for all proxies of a class. */
export function destinationCluster(
  policies: readonly ProxyPolicy[],
  destination: Destination,
  ruleSets: RuleSets,
  proxyClass: ProxyClass,
  olderRoute?: object,
): EnvoyResource {
  const place = clusterSkeleton(destination, proxyClass);
  if (olderRoute !== undefined) walkOlderCluster(policies, olderRoute, place);
  walkCluster(policies, ruleSets, place, destination.target);
  return encodeResource('cluster', buildCluster(place.cluster), 'outbound');
}

/** Listeners and clusters of a proxy's inbounds, shaped by all policies, and the listener of its probes. */
export function inboundResources(
  policies: readonly ProxyPolicy[],
  receiver: Receiver,
  rules: RuleSets,
  shapeOf: (site: InboundSite) => InboundShape,
): readonly Built[] {
  const { key, connected, dataplane, proxyClass, inboundDefault } = receiver;
  const about = `Dataplane/${key}`;
  const probes = attempt({ origin: 'probe', about }, () =>
    connected.appProbeProxyEnabled ? [] : virtualProbes(dataplane, proxyClass),
  );
  const workload = namesWorkload(policies, rules) ? receiver.workload : undefined;
  let modes: InboundModes['modes'] | undefined;
  const inbounds = dataplane.inbounds.flatMap((inbound, position) => {
    const built = (): readonly Built[] => {
      modes ??= inboundModes(policies, rules, inboundDefault, dataplane.inbounds.length).modes;
      const mode = modes[position] ?? 'Strict';
      const shape = shapeOf({ inbound, mode, rules, position, proxyClass, workload });
      return [
        placedInbound(inbound, shape.listener, proxyClass),
        placedApplication(inbound, shape.cluster, proxyClass),
        ...shape.extraClusters,
      ];
    };
    const name = proxyClass.names.inboundListener(inbound);
    // Where traffic is redirected, a port without a listener could be reached past all policies.
    return attempt({ origin: 'inbound', of: 'listener', name, about }, built, () => closedInbound(inbound, proxyClass));
  });
  return [...inbounds, ...probes];
}

/** Kinds of proxies that get listeners for traffic. */
export function isServed({ proxyClass }: Subject): boolean {
  const { kind } = proxyClass.facts;
  return kind === 'sidecar' || kind === 'delegated-gateway';
}

/** What policies give a proxy besides what its traffic needs. */
export interface PolicyAdditions {
  readonly resources: readonly Built[];
  readonly documents: readonly DynamicDocument[];
  readonly warnings: readonly string[];
}

/** Asks all policies what the proxy gets besides. */
export function policyAdditions(
  policies: readonly ProxyPolicy[],
  { proxyClass, connected, dataplane, mesh, workload }: Subject,
  ruleSets: RuleSets,
): PolicyAdditions {
  const { facts, names, reusePort, tls } = proxyClass;
  const self = proxySelf(dataplane, connected.workdir);
  const { metricsCertPath: certificate, metricsKeyPath: key } = connected;
  const place = {
    proxy: { ...facts, self },
    self,
    workload,
    // Asked for by few policies.
    get tags() {
      return tagValues(dataplane);
    },
    metricsCertificate: certificate === '' || key === '' ? undefined : { certificate, key },
    tls: tls && meshTlsOf(mesh.name, tls, names),
    reusePort,
  };
  const parts = policies.map((policy) =>
    attempt({ origin: policy.origin }, () => walkProxy(policy, ruleSets, place).map(builtAddition)),
  );
  const additions = parts.flatMap((ofPolicy) => ofPolicy.filter((part) => !isUnbuilt(part)));
  return {
    resources: [...additions.flatMap(({ resources }) => resources), ...parts.flat().filter(isUnbuilt)],
    documents: additions.flatMap(({ documents }) => documents),
    warnings: additions.flatMap(({ warnings }) => warnings),
  };
}

function builtAddition({ origin, clusters = [], listeners = [], documents = [], warnings = [] }: OwnAdditions) {
  const resources = [
    ...encodeClusters(clusters, origin),
    ...listeners.map((draft) => encodeResource('listener', buildListener(draft), draft.origin ?? origin)),
  ];
  return { type: 'built' as const, resources, documents, warnings };
}

/** True when a proxy gets the same from its policies as before. */
export function sameAdditions(before: PolicyAdditions, after: PolicyAdditions): boolean {
  return (
    sameResources(before.resources, after.resources) &&
    JSON.stringify([before.documents, before.warnings]) === JSON.stringify([after.documents, after.warnings])
  );
}

/** Port of the admin listener, and of Envoy's admin interface where it has no socket. */
export function adminPortOf({ dataplane, connected }: Subject): number {
  return dataplane.adminPort ?? connected.admin.port;
}

/** Listeners for the control plane and for monitoring. */
export function systemResources(inputs: EngineInputs, subject: Subject): readonly Built[] {
  const { key, connected, dataplane, mesh, proxyClass } = subject;
  const { names, reusePort } = proxyClass;
  const about = `Dataplane/${key}`;
  const admin = (): readonly EnvoyResource[] => {
    const port = adminPortOf(subject);
    const identity = inputs.adminIdentities.get(key);
    if (identity === undefined || port === 0) return [];
    return [adminListener({ address: dataplane.address, port, identity, reusePort, names })];
  };
  const prometheus = (): readonly EnvoyResource[] => {
    const conf = prometheusFor(mesh, dataplane.metrics);
    if (conf === undefined) return [];
    const { address, name } = dataplane;
    const tls = proxyClass.tls && meshTlsOf(mesh.name, proxyClass.tls, names);
    const socket = proxySocketPath(connected.workdir, 'kuma-mh', { name, mesh: mesh.name });
    return prometheusResources({ prometheus: conf, tls, socket, address, reusePort, names });
  };
  return [...attempt({ origin: 'admin', about }, admin), ...attempt({ origin: 'prometheus', about }, prometheus)];
}
