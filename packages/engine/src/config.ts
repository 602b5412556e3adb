// Puts a proxy's configuration together from its parts. Each part is a derivation of its own: what did not change is not built again.
import type { Derivation, Graph } from '@ursa/collections';
import type { EnvoyResource } from '@ursa/envoy';
import type { ProxyPolicy } from '@ursa/policy';
import type { DataplaneFacts } from './dataplane-facts.ts';
import type { Destination } from './destinations.ts';
import type { EndpointDerivation } from './endpoints.ts';
import type { ConfigWarning, EngineInputs, ProxyConfig } from './engine.ts';
import { features } from './features.ts';
import { createLastGood } from './last-good.ts';
import type { MeshFacts } from './mesh-facts.ts';
import type { Outbound, OutboundDerivations } from './outbounds.ts';
import { deriveProxyClass, type ProxyClass, redirectOf } from './proxy-class.ts';
import {
  destinationCluster,
  inboundResources,
  outboundListener,
  type Subject,
  secretResources,
  systemResources,
} from './proxy-parts.ts';
import { sameResources, toMaps } from './resource-set.ts';
import type { RuleDerivations, RuleSets } from './rules.ts';
import { dnsListener } from './skeleton/dns.ts';
import { dnsDocument, dynamicConfigListener } from './skeleton/dynamic-config.ts';
import { destinationName } from './skeleton/outbound.ts';
import { passthroughResources } from './skeleton/passthrough.ts';
import { PolicyFailure } from './walk.ts';

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

/** Ports on which a workload can be reached past its inbounds, as text: with mTLS only declared ones, for proxies that want it so. */
function reachablePorts({ connected, dataplane, mesh }: Subject): string {
  if (mesh.mtls === undefined || !connected.features.includes(features.strictInboundPorts)) return 'all';
  const ports = new Set(dataplane.inbounds.map((inbound) => inbound.port));
  return [...ports].join(' ');
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
    (
      proxyClass: ProxyClass,
      inboundPort: number,
      outboundPort: number,
      ipv6: boolean,
      open: boolean,
      ports: string,
    ) => {
      const { names, reusePort } = proxyClass;
      const onlyPorts = ports === 'all' ? undefined : ports.split(' ').filter(Boolean).map(Number);
      return passthroughResources(
        names,
        { inbound: inboundPort, outbound: outboundPort, ipv6 },
        { open, reusePort, onlyPorts },
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
      const { inbound, outbound, ipv6 } = redirect;
      const shared = passthrough.get(proxyClass, inbound, outbound, ipv6, mesh.passthrough, reachablePorts(found));
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

  const lastGood = createLastGood();
  const build = (proxyKey: string, { proxyClass }: Subject): ProxyConfig => {
    const { kind } = proxyClass.facts;
    const served = kind === 'sidecar' || kind === 'delegated-gateway';
    const traffic = served
      ? [inbounds.get(proxyKey), outboundSet.get(proxyKey), endpointSet.get(proxyKey), transparent.get(proxyKey)]
      : [];
    const resources = toMaps([...traffic, system.get(proxyKey), secrets.get(proxyKey)].flat(), lastGood.get(proxyKey));
    const warnings = [...rules.ruleSets.get(proxyKey).values()].flatMap((set) => set.warnings);
    if (!served) warnings.push(`a ${kind} gets no listeners yet: run a gateway of another kind as a delegated gateway`);
    return { resources, warnings: warnings.map((message) => ({ message })) };
  };
  return graph.derive(
    'config',
    (proxyKey: string): ProxyConfig | undefined => {
      const found = subject.get(proxyKey);
      if (found === undefined) return undefined;
      try {
        const config = build(proxyKey, found);
        lastGood.set(proxyKey, config.resources);
        return config;
      } catch (error) {
        return { resources: lastGood.get(proxyKey) ?? toMaps([]), warnings: [failure(error)] };
      }
    },
    { equals: sameConfig },
  );
}

function sameConfig(before: ProxyConfig | undefined, after: ProxyConfig | undefined): boolean {
  if (before === undefined || after === undefined) return before === after;
  return before.resources === after.resources && JSON.stringify(before.warnings) === JSON.stringify(after.warnings);
}
