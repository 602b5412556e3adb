// Parts of configurations that proxies of one class share: computed once, however many proxies have them.
import type { Derivation, Graph } from '@ursa/collections';
import { type EnvoyResource, type EnvoyType, encodeEndpoints } from '@ursa/envoy';
import { type DynamicDocument, olderRouteTypes, type ProxyPolicy, type WorkloadFacts } from '@ursa/policy';
import type { RedirectPorts } from './dataplane-facts.ts';
import { deriveDestinationRules } from './destination-rules.ts';
import type { Destination } from './destinations.ts';
import type { EndpointDerivations } from './endpoints.ts';
import { clientWithoutIdentity } from './identity/egress-identity.ts';
import type { DnsRecord, Outbound } from './outbounds.ts';
import type { PermittedServers } from './outside/permitted-servers.ts';
import { isHttp } from './protocol.ts';
import type { ProxyClass } from './proxy-class.ts';
import { destinationCluster, outboundListener, redirectResources } from './proxy-parts.ts';
import { sameMap, sameResources } from './resource-set.ts';
import type { RuleSets } from './rule-views.ts';
import { shapingsOf } from './shaped-endpoints.ts';
import { adminClusters } from './skeleton/admin.ts';
import { dnsListener } from './skeleton/dns.ts';
import { dnsDocument, dnsRecordsText, dynamicConfigListener } from './skeleton/dynamic-config.ts';
import { destinationName, tlsTowards } from './skeleton/outbound.ts';
import type { TrafficDerivation } from './traffic.ts';
import { destinationsOf, spokenProtocol, type Traffic } from './traffic-path.ts';
import { attempt, type Built, isUnbuilt, type Site, type Unbuilt } from './unbuilt.ts';

type Resources = readonly Built[];

/** Shared parts by what they depend on. */
export interface ClassParts {
  /**
   * Listeners and clusters of a list of outbounds. `listenerClass`: `proxyClass`, or narrower where listeners depend on more.
   * `workload`: only where a policy asks for it. `caller`: see `PermittedServers`.
   */
  readonly outbounds: Derivation<
    readonly [
      outbounds: readonly Outbound[],
      rules: RuleSets,
      proxyClass: ProxyClass,
      listenerClass: ProxyClass,
      workload: WorkloadFacts | undefined,
      caller: string | undefined,
    ],
    Resources
  >;
  /** What is wrong with routes of a list of outbounds. */
  readonly warnings: Derivation<
    readonly [outbounds: readonly Outbound[], rules: RuleSets, proxyClass: ProxyClass],
    readonly string[]
  >;
  /** Endpoint resources of a list of outbounds. `callerTags`: JSON of the caller's tags that they depend on. */
  readonly endpoints: Derivation<
    readonly [outbounds: readonly Outbound[], rules: RuleSets, proxyClass: ProxyClass, callerTags: string],
    EndpointSets
  >;
  /** What a host's redirected traffic needs. `ports`: those on which workloads can be reached past their inbounds, or `all`. */
  passthrough(
    rules: RuleSets,
    proxyClass: ProxyClass,
    redirect: RedirectPorts,
    open: boolean,
    ports: string,
  ): Resources;
  /** Clusters of Envoy's admin interface and of the readiness reporter. `socketPath`: '' where the admin interface has a port. */
  readonly admin: Derivation<
    readonly [proxyClass: ProxyClass, socketPath: string, port: number, readinessPort: number],
    Resources
  >;
  /** The document for kuma-dp's DNS server. `labels`: see `dnsLabels`. */
  readonly dnsDocument: Derivation<readonly [records: readonly DnsRecord[], labels: string], DynamicDocument>;
  /** The dynamic configuration that proxies without one of their own have in common. */
  readonly dynamicConfig: Derivation<
    readonly [document: DynamicDocument, proxyClass: ProxyClass, workdir: string],
    Resources
  >;
  /** Names served by Envoy itself. */
  readonly envoyDns: Derivation<
    readonly [records: readonly DnsRecord[], proxyClass: ProxyClass, port: number],
    Resources
  >;
}

/** Endpoint resources by name, and what could not be built of them. */
export interface EndpointSets {
  readonly resources: ReadonlyMap<string, EnvoyResource>;
  readonly unbuilt: readonly Unbuilt[];
}

/** True when two sets hold the same. */
export function sameEndpoints(before: EndpointSets, after: EndpointSets): boolean {
  return sameMap(before.resources, after.resources) && sameResources(before.unbuilt, after.unbuilt);
}

/** What shared parts are derived from. None of it reads a policy: rules come in as arguments. */
export interface ClassPartsOptions {
  readonly graph: Graph;
  readonly policies: readonly ProxyPolicy[];
  readonly endpoints: EndpointDerivations;
  readonly traffic: TrafficDerivation;
  readonly permittedServers: Pick<PermittedServers, 'reached'>;
}

/** The resource behind a destination, as `Type/mesh/name`; undefined for services known by their tag. */
function resourceBehind({ mesh, target, source }: Destination): string | undefined {
  if (target.kind === 'service') return undefined;
  return `${target.id.type}/${'key' in source ? source.key : `${mesh}/${target.id.name}`}`;
}

/** Name of a destination, for people. */
function nameOf({ target }: Destination): string {
  return target.kind === 'service' ? `the service ${target.service}` : `${target.id.type} ${target.id.name}`;
}

function siteOf(of: EnvoyType, destination: Destination, { names }: Pick<ProxyClass, 'names'>): Site {
  const about = resourceBehind(destination);
  const name = destinationName(destination, names);
  return { origin: 'outbound', of, name, ...(about === undefined ? {} : { about }) };
}

function listenerSite({ address, port, destination }: Outbound, proxyClass: Pick<ProxyClass, 'names'>): Site {
  const { legacyName, kri } = destination;
  const name = proxyClass.names.outboundListener({ address, port, legacyName, kri });
  return { ...siteOf('listener', destination, proxyClass), name };
}

/** Derives the shared parts. */
export function deriveClassParts(options: ClassPartsOptions): ClassParts {
  const { graph, policies, endpoints, traffic, permittedServers } = options;
  const equals = sameResources;
  const rulesOf = deriveDestinationRules(graph, policies);
  const listener = graph.derive(
    'outbound listener',
    (outbound: Outbound, ruleSets: RuleSets, proxyClass: ProxyClass, workload: WorkloadFacts | undefined) =>
      attempt(listenerSite(outbound, proxyClass), () =>
        outboundListener(
          policies,
          outbound,
          traffic.get(outbound.destination, ruleSets),
          ruleSets,
          proxyClass,
          workload,
        ),
      ),
    { equals },
  );
  const cluster = graph.derive(
    'cluster',
    (destination: Destination, ruleSets: RuleSets, proxyClass: ProxyClass, olderRoute: object | undefined) =>
      attempt(siteOf('cluster', destination, proxyClass), () => [
        destinationCluster(policies, destination, ruleSets, proxyClass, olderRoute),
      ]),
    { equals },
  );
  const passthrough = graph.derive(
    'passthrough resources',
    (
      ruleSets: RuleSets,
      proxyClass: ProxyClass,
      inbound: number,
      outbound: number,
      ipv6: boolean,
      open: boolean,
      ports: string,
    ) => {
      const { reusePort } = proxyClass;
      const onlyPorts = ports === 'all' ? undefined : ports.split(' ').filter(Boolean).map(Number);
      const redirect = { inbound, outbound, ipv6 };
      return attempt({ origin: 'transparent' }, () =>
        redirectResources(policies, ruleSets, proxyClass, redirect, { open, reusePort, onlyPorts }),
      );
    },
    { equals },
  );
  const recordsText = graph.derive('dns records', dnsRecordsText);
  /** Undefined where it cannot be derived: there the outbound says so. */
  const pathOf = (destination: Destination, ruleSets: RuleSets): Traffic | undefined => {
    const [path] = attempt({ origin: 'outbound' }, () => [
      traffic.get(destination, rulesOf.get(destination, ruleSets)),
    ]);
    return path === undefined || 'type' in path ? undefined : path;
  };
  const called = (outbounds: readonly Outbound[], ruleSets: RuleSets): readonly Destination[] =>
    outbounds.flatMap(({ destination }) => {
      const path = pathOf(destination, ruleSets);
      return path === undefined ? [] : destinationsOf(destination, path);
    });
  const olderTypes = olderRouteTypes(policies);
  const shapesClusters = (conf: unknown) =>
    policies.some(({ olderClusters }) => olderClusters?.confOf(conf) !== undefined);
  /** Which older route has a say in the cluster of a destination: the one for the destination itself, or else the first that leads there. */
  const olderRoutesOf = (outbounds: readonly Outbound[], ruleSets: RuleSets) => {
    const found = new Map<Destination, object>();
    if (!olderTypes.some((type) => ruleSets.has(type))) return () => undefined;
    for (const { destination } of outbounds) {
      const path = pathOf(destination, ruleSets);
      const conf = path?.older?.conf;
      if (path === undefined || typeof conf !== 'object' || conf === null || !shapesClusters(conf)) continue;
      for (const each of destinationsOf(destination, path)) {
        if (each.outside === undefined && (each === destination || !found.has(each))) found.set(each, conf);
      }
    }
    return (destination: Destination): object | undefined => found.get(destination);
  };
  return {
    outbounds: graph.derive(
      'outbound resources',
      (
        outbounds: readonly Outbound[],
        ruleSets: RuleSets,
        proxyClass: ProxyClass,
        listenerClass: ProxyClass,
        workload: WorkloadFacts | undefined,
        caller: string | undefined,
      ) => {
        const olderRouteOf = olderRoutesOf(outbounds, ruleSets);
        return outbounds.flatMap((outbound) =>
          attempt(listenerSite(outbound, listenerClass), () => {
            const { destination } = outbound;
            const own = rulesOf.get(destination, ruleSets);
            const path = traffic.get(destination, own);
            // As with the peers: only connections are closed, HTTP destinations without a backend have no listener.
            if (path.kind === 'nowhere' && isHttp(spokenProtocol(destination, path))) return [];
            const called = destinationsOf(destination, path);
            const clusters = called.flatMap((each) => {
              const reached = caller === undefined ? each : permittedServers.reached(each, caller);
              return cluster.get(reached, rulesOf.get(each, ruleSets), proxyClass, olderRouteOf(each));
            });
            return [...listener.get(outbound, own, listenerClass, workload), ...clusters];
          }),
        );
      },
      { equals },
    ),
    endpoints: graph.derive(
      'endpoint resources',
      (
        outbounds: readonly Outbound[],
        ruleSets: RuleSets,
        proxyClass: ProxyClass,
        callerTags: string,
      ): EndpointSets => {
        const resources = new Map<string, EnvoyResource>();
        const unbuilt: Unbuilt[] = [];
        for (const destination of called(outbounds, ruleSets)) {
          // The servers of others stand in their clusters.
          if (destination.source.kind === 'outside') continue;
          const name = destinationName(destination, proxyClass.names);
          const own = rulesOf.get(destination, ruleSets);
          const plain = (): EnvoyResource =>
            isCutOff(destination, proxyClass) ? encodeEndpoints(name, []) : endpoints.plain.get(destination, name);
          const shaped = (): EnvoyResource => {
            const arranged =
              !isCutOff(destination, proxyClass) && shapingsOf(policies, own, destination.target).length > 0;
            return arranged ? endpoints.shaped.get(destination, name, own, callerTags) : plain();
          };
          // Endpoints of before may be gone: those that no policy arranged are better.
          const [built] = attempt(siteOf('endpoint', destination, proxyClass), () => [shaped()], plain);
          if (built === undefined) continue;
          const resource = isUnbuilt(built) ? built.instead : built;
          if (isUnbuilt(built)) unbuilt.push(built);
          if (resource !== undefined) resources.set(name, resource);
        }
        return { resources, unbuilt };
      },
      { equals: sameEndpoints },
    ),
    warnings: graph.derive(
      'traffic warnings',
      (outbounds: readonly Outbound[], ruleSets: RuleSets, proxyClass: ProxyClass) => [
        ...new Set(
          outbounds.flatMap(({ destination }) => {
            const path = pathOf(destination, ruleSets);
            const routed = path === undefined ? [] : destinationsOf(destination, path);
            return [
              ...(path?.warnings ?? []),
              ...[destination, ...routed].flatMap((each) => barriers(each, proxyClass)),
            ];
          }),
        ),
      ],
    ),
    passthrough: (ruleSets, proxyClass, redirect, open, ports) =>
      passthrough.get(ruleSets, proxyClass, redirect.inbound, redirect.outbound, redirect.ipv6, open, ports),
    admin: graph.derive(
      'admin clusters',
      ({ names }: ProxyClass, socketPath: string, port: number, readinessPort: number) =>
        attempt({ origin: 'admin' }, () => adminClusters({ socketPath, port, readinessPort }, names)),
      { equals },
    ),
    dnsDocument: graph.derive('dns document', (records: readonly DnsRecord[], labels: string) =>
      dnsDocument(recordsText.get(records), labels),
    ),
    dynamicConfig: graph.derive(
      'dynamic configuration',
      (document: DynamicDocument, { names }: ProxyClass, workdir: string) =>
        attempt({ origin: 'dynamic-config' }, () => [dynamicConfigListener([document], workdir, names)]),
      { equals },
    ),
    envoyDns: graph.derive(
      'dns listener',
      (records: readonly DnsRecord[], { names }: ProxyClass, port: number) =>
        attempt({ origin: 'dns' }, () => [dnsListener(records, port, names)]),
      { equals },
    ),
  };
}

/** Why nothing gets to a destination outside of the mesh, for people. */
function barriers(destination: Destination, proxyClass: Pick<ProxyClass, 'tls'>): readonly string[] {
  const cutOff = isCutOff(destination, proxyClass) ? [clientWithoutIdentity] : [];
  return [...(destination.outside?.problems ?? []), ...cutOff].map(
    (problem) => `${nameOf(destination)} gets no traffic: ${problem}`,
  );
}

/** True for a client that cannot prove to an egress who it is: the egress would take nothing from it, and nothing leaves it in plain text. */
function isCutOff(destination: Destination, proxyClass: Pick<ProxyClass, 'tls'>): boolean {
  const { source, outside } = destination;
  const usable = source.kind === 'egress' && outside?.problems.length === 0;
  return usable && tlsTowards(destination, proxyClass) === undefined;
}
