// Puts a proxy's configuration together from its parts. Each part is a derivation of its own: what did not change is not built again.
import type { Derivation, Graph } from '@ursa/collections';
import {
  buildCluster,
  buildListener,
  type EnvoyResource,
  encodeResource,
  identitySecret,
  trustSecret,
} from '@ursa/envoy';
import type { ProxyPolicy } from '@ursa/policy';
import type { DataplaneFacts } from './dataplane-facts.ts';
import type { Destination } from './destinations.ts';
import type { EndpointDerivation } from './endpoints.ts';
import type { ConfigWarning, ConnectedProxy, EngineInputs, ProxyConfig } from './engine.ts';
import { features } from './features.ts';
import type { MeshFacts } from './mesh-facts.ts';
import type { Outbound, OutboundDerivations } from './outbounds.ts';
import { deriveProxyClass, type ProxyClass, redirectOf } from './proxy-class.ts';
import { sameResources, toMaps } from './resource-set.ts';
import type { RuleDerivations, RuleSets } from './rules.ts';
import { adminClusters, adminListener } from './skeleton/admin.ts';
import { dnsListener } from './skeleton/dns.ts';
import { dnsDocument, dynamicConfigListener } from './skeleton/dynamic-config.ts';
import { inboundSkeleton } from './skeleton/inbound.ts';
import { clusterSkeleton, destinationName, outboundSkeleton } from './skeleton/outbound.ts';
import { passthroughResources } from './skeleton/passthrough.ts';
import { prometheusResources } from './skeleton/prometheus.ts';
import { PolicyFailure, walkCluster, walkInbound, walkOutbound } from './walk.ts';

/** Everything that configurations are made of. */
export interface ConfigParts {
  readonly graph: Graph;
  readonly inputs: EngineInputs;
  readonly policies: readonly ProxyPolicy[];
  readonly meshFacts: Derivation<readonly [mesh: string], MeshFacts | undefined>;
  readonly dataplane: Derivation<readonly [key: string], DataplaneFacts | undefined>;
  readonly outbounds: OutboundDerivations;
  readonly endpoints: EndpointDerivation;
  readonly rules: RuleDerivations;
}

/** A proxy with all that its parts need. */
interface Subject {
  readonly key: string;
  readonly connected: ConnectedProxy;
  readonly dataplane: DataplaneFacts;
  readonly mesh: MeshFacts;
  readonly proxyClass: ProxyClass;
}

function outboundListener(
  policies: readonly ProxyPolicy[],
  outbound: Outbound,
  ruleSets: RuleSets,
  proxyClass: ProxyClass,
): EnvoyResource {
  const place = outboundSkeleton(outbound, proxyClass);
  walkOutbound(policies, ruleSets, place, outbound.destination.target);
  return encodeResource('listener', buildListener(place.listener));
}

function destinationCluster(
  policies: readonly ProxyPolicy[],
  destination: Destination,
  ruleSets: RuleSets,
  proxyClass: ProxyClass,
): EnvoyResource {
  const place = clusterSkeleton(destination, proxyClass);
  walkCluster(policies, ruleSets, place, destination.target);
  return encodeResource('cluster', buildCluster(place.cluster));
}

function inboundResources(policies: readonly ProxyPolicy[], subject: Subject, ruleSets: RuleSets): EnvoyResource[] {
  const { dataplane, mesh, proxyClass } = subject;
  return dataplane.inbounds.flatMap((inbound, position) => {
    const place = inboundSkeleton(inbound, mesh, proxyClass);
    walkInbound(policies, ruleSets, place, position);
    return [
      encodeResource('listener', buildListener(place.listener)),
      encodeResource('cluster', buildCluster(place.cluster)),
    ];
  });
}

function systemResources(inputs: EngineInputs, subject: Subject): EnvoyResource[] {
  const { key, connected, dataplane, mesh, proxyClass } = subject;
  const { names, reusePort } = proxyClass;
  const port = dataplane.adminPort ?? connected.admin.port;
  const identity = inputs.adminIdentities.get(key);
  const resources = adminClusters(connected, port, names);
  if (identity !== undefined && port !== 0) {
    resources.push(adminListener({ address: dataplane.address, port, identity, reusePort, names }));
  }
  if (mesh.prometheus !== undefined) {
    const { workdir } = connected;
    const { prometheus } = mesh;
    const proxy = dataplane.name;
    resources.push(
      ...prometheusResources({
        prometheus,
        mesh: mesh.name,
        proxy,
        address: dataplane.address,
        workdir,
        reusePort,
        names,
      }),
    );
  }
  return resources;
}

function secretResources(inputs: EngineInputs, { key, mesh, proxyClass }: Subject): EnvoyResource[] {
  if (mesh.mtls === undefined) return [];
  const { names } = proxyClass;
  const identity = inputs.identities.get(key);
  const trust = inputs.trust.get(mesh.name);
  return [
    ...(identity === undefined
      ? []
      : [
          encodeResource(
            'secret',
            identitySecret(names.identitySecret(mesh.name), identity.certificateChain, identity.privateKey),
          ),
        ]),
    ...(trust === undefined
      ? []
      : [encodeResource('secret', trustSecret(names.meshCaSecret(mesh.name), trust.certificates))]),
  ];
}

function failure(error: unknown): ConfigWarning {
  const message = error instanceof Error ? error.message : String(error);
  return error instanceof PolicyFailure ? { message, policyType: error.policy } : { message };
}

/** Configurations by proxy key. */
export function deriveConfig(parts: ConfigParts): Derivation<readonly [proxyKey: string], ProxyConfig | undefined> {
  const { graph, inputs, policies, meshFacts, dataplane, outbounds, endpoints, rules } = parts;
  const classOf = deriveProxyClass(graph);
  const equals = sameResources;

  const subject = graph.derive('proxy', (proxyKey: string): Subject | undefined => {
    const connected = inputs.proxies.get(proxyKey);
    const facts = dataplane.get(proxyKey);
    const mesh = facts && meshFacts.get(facts.mesh);
    if (connected === undefined || facts === undefined || mesh === undefined) return undefined;
    return { key: proxyKey, connected, dataplane: facts, mesh, proxyClass: classOf(connected, facts, mesh) };
  });

  const listener = graph.derive(
    'outbound listener',
    (outbound: Outbound, ruleSets: RuleSets, proxyClass: ProxyClass) =>
      outboundListener(policies, outbound, ruleSets, proxyClass),
    { equals: Object.is },
  );
  const cluster = graph.derive(
    'cluster',
    (destination: Destination, ruleSets: RuleSets, proxyClass: ProxyClass) =>
      destinationCluster(policies, destination, ruleSets, proxyClass),
    { equals: Object.is },
  );
  const passthrough = graph.derive(
    'passthrough resources',
    (proxyClass: ProxyClass, inboundPort: number, outboundPort: number, ipv6: boolean, open: boolean) => {
      const { names, reusePort } = proxyClass;
      return passthroughResources(
        names,
        { inbound: inboundPort, outbound: outboundPort, ipv6 },
        { passthrough: open, reusePort },
      );
    },
    { equals },
  );
  const inbounds = graph.derive(
    'inbounds',
    (proxyKey: string) => {
      const found = subject.get(proxyKey);
      return found === undefined ? [] : inboundResources(policies, found, rules.inboundRules.get(proxyKey));
    },
    { equals },
  );
  const system = graph.derive(
    'system resources',
    (proxyKey: string) => {
      const found = subject.get(proxyKey);
      return found === undefined ? [] : systemResources(inputs, found);
    },
    { equals },
  );
  const secrets = graph.derive(
    'secrets',
    (proxyKey: string) => {
      const found = subject.get(proxyKey);
      return found === undefined ? [] : secretResources(inputs, found);
    },
    { equals },
  );
  const transparent = graph.derive(
    'transparent proxy resources',
    (proxyKey: string): readonly EnvoyResource[] => {
      const found = subject.get(proxyKey);
      const redirect = found && redirectOf(found.connected, found.dataplane);
      if (found === undefined || redirect === undefined) return [];
      const { connected, mesh, proxyClass } = found;
      const shared = passthrough.get(proxyClass, redirect.inbound, redirect.outbound, redirect.ipv6, mesh.passthrough);
      const records = outbounds.records.get(proxyKey);
      if (!connected.features.includes(features.embeddedDns)) {
        return [...shared, dnsListener(records, connected.dnsPort, proxyClass.names)];
      }
      const documents = [dnsDocument(records, mesh.name, inputs.settings.zone)];
      return [...shared, dynamicConfigListener(documents, connected.workdir, proxyClass.names)];
    },
    { equals },
  );
  const endpointSet = graph.derive(
    'endpoints of a proxy',
    (proxyKey: string) => {
      const found = subject.get(proxyKey);
      if (found === undefined) return [];
      const { names } = found.proxyClass;
      return outbounds.outbounds
        .get(proxyKey, found.proxyClass.transparent)
        .map((item) => endpoints.get(item.destination, destinationName(item.destination, names)));
    },
    { equals },
  );
  const outboundSet = graph.derive(
    'outbounds of a proxy',
    (proxyKey: string) => {
      const found = subject.get(proxyKey);
      if (found === undefined) return [];
      const { proxyClass } = found;
      const ruleSets = rules.outboundRules.get(proxyKey);
      return outbounds.outbounds
        .get(proxyKey, proxyClass.transparent)
        .flatMap((item) => [
          listener.get(item, ruleSets, proxyClass),
          cluster.get(item.destination, ruleSets, proxyClass),
        ]);
    },
    { equals },
  );

  // The last good configurations. Only read when building fails: a policy that cannot be applied must not take a proxy's traffic down.
  const lastGood = new Map<string, ProxyConfig>();
  const build = (proxyKey: string): ProxyConfig => {
    const groups = [
      inbounds.get(proxyKey),
      outboundSet.get(proxyKey),
      endpointSet.get(proxyKey),
      system.get(proxyKey),
      transparent.get(proxyKey),
      secrets.get(proxyKey),
    ];
    const warnings = [...rules.ruleSets.get(proxyKey).values()].flatMap((set) =>
      set.warnings.map((message) => ({ message })),
    );
    return { resources: toMaps(groups.flat(), lastGood.get(proxyKey)?.resources), warnings };
  };
  return graph.derive(
    'config',
    (proxyKey: string): ProxyConfig | undefined => {
      const found = subject.get(proxyKey);
      if (found === undefined) {
        lastGood.delete(proxyKey);
        return undefined;
      }
      try {
        const config = build(proxyKey);
        lastGood.set(proxyKey, config);
        return config;
      } catch (error) {
        const before = lastGood.get(proxyKey)?.resources ?? toMaps([]);
        return { resources: before, warnings: [failure(error)] };
      }
    },
    { equals: sameConfig },
  );
}

function sameConfig(before: ProxyConfig | undefined, after: ProxyConfig | undefined): boolean {
  if (before === undefined || after === undefined) return before === after;
  const types = Object.keys(before.resources) as (keyof ProxyConfig['resources'])[];
  return (
    types.every((type) => before.resources[type] === after.resources[type]) &&
    JSON.stringify(before.warnings) === JSON.stringify(after.warnings)
  );
}
