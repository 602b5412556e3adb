// Which destinations a proxy can call, and at which address of its own each is.
import type { Collection, Derivation, Graph, Index } from '@ursa/collections';
import { labelsMatch } from '@ursa/policy';
import {
  type DataplaneOutbound,
  displayNameOf,
  labelNames,
  type MeshExternalServiceSpec,
  type MeshExternalServiceStatus,
  type Resource,
  tagNames,
} from '@ursa/resources';
import type { BackendReference, DataplaneFacts } from './dataplane-facts.ts';
import type { Destination, DestinationDerivations, MeshServiceSpec, MeshServiceStatus } from './destinations.ts';
import type { EngineInputs } from './engine.ts';
import type { LeftOut } from './held-back.ts';
import type { MeshFacts } from './mesh-facts.ts';
import { isPort } from './port.ts';
import { boundOutbounds, boundRecords, type CallMode, unboundWarnings } from './reach/call-mode.ts';
import { deriveServiceAddresses } from './service-addresses.ts';

/** One address of the proxy's host that leads to a destination. Derived: equal ones are one object. */
export interface Outbound {
  readonly address: string;
  readonly port: number;
  readonly destination: Destination;
}

/** One name that the proxy's host can look up. */
export interface DnsRecord {
  readonly name: string;
  /** IPv4 addresses. */
  readonly addresses: readonly string[];
}

/** What virtual addresses of a mesh lead to. */
export interface VirtualAddresses {
  readonly outbounds: readonly Outbound[];
  readonly records: readonly DnsRecord[];
}

/** Outbounds of proxies. */
export interface OutboundDerivations {
  /** Without those that lead nowhere. Proxies with the same outbounds get the same list. */
  readonly outbounds: Derivation<readonly [proxyKey: string, calls: CallMode], readonly Outbound[]>;
  /** All that proxies of a mesh get which list nothing. */
  readonly ofMesh: Derivation<readonly [mesh: string], readonly Outbound[]>;
  /** Names that lead to the proxy's outbounds, sorted. Proxies with the same names get the same list. */
  readonly records: Derivation<readonly [proxyKey: string, calls: CallMode], readonly DnsRecord[]>;
  /** What of it the proxy cannot serve, for people. */
  readonly warnings: Derivation<readonly [proxyKey: string, calls: CallMode], readonly string[]>;
}

/** What proxies get of them. `without`: policies that are left out of the proxy's configuration. */
export interface OutboundLookup {
  outbounds(proxyKey: string, calls: CallMode, without: LeftOut): readonly Outbound[];
  records(proxyKey: string, calls: CallMode, without: LeftOut): readonly DnsRecord[];
  warnings(proxyKey: string, calls: CallMode): readonly string[];
}

const noOutbounds: readonly Outbound[] = [];
const noRecords: readonly DnsRecord[] = [];

function byName(first: DnsRecord, second: DnsRecord): number {
  return first.name < second.name ? -1 : 1;
}

/** True when a reference means a port of a service. */
export function references(reference: BackendReference, resource: Resource, port: number): boolean {
  if ((reference.kind ?? 'MeshService') !== resource.type) return false;
  if (reference.port !== undefined && reference.port !== port) return false;
  if (reference.labels !== undefined) return labelsMatch(reference.labels, resource.labels);
  const namespace = resource.labels[labelNames.namespace] ?? '';
  return reference.name === displayNameOf(resource) && (reference.namespace ?? namespace) === namespace;
}

/** Services of one kind, and how their ports are found. */
interface ServiceKind {
  readonly type: string;
  readonly services: Collection<Resource>;
  readonly byMesh: Index;
  readonly byLabel: Index;
  readonly destination: (key: string, port: number, byNumber: boolean) => Destination | undefined;
  /** Its ports, and its addresses in its status. */
  readonly portsOf: (spec: unknown) => readonly number[];
  readonly ipsOf: (status: unknown) => readonly string[];
}

/** Services with any number of ports. */
const portsOfService = (spec: unknown) => ((spec as MeshServiceSpec).ports ?? []).map(({ port }) => port);
const ipsOfService = (status: unknown) => ((status as MeshServiceStatus).vips ?? []).map(({ ip }) => ip);
/** External services have one port and one address. */
const portOfExternal = (spec: unknown) => [(spec as MeshExternalServiceSpec).match.port];
const ipOfExternal = (status: unknown) => [(status as MeshExternalServiceStatus).vip?.ip].flatMap((ip) => ip ?? []);

function serviceKind(
  type: string,
  inputs: EngineInputs,
  destination: ServiceKind['destination'],
  { portsOf, ipsOf }: Pick<ServiceKind, 'portsOf' | 'ipsOf'> = { portsOf: portsOfService, ipsOf: ipsOfService },
): ServiceKind {
  const services = inputs.resources(type);
  return {
    type,
    portsOf,
    ipsOf,
    services,
    byMesh: services.index('mesh', (resource: Resource) => [resource.mesh]),
    byLabel: services.index('label', (resource: Resource) =>
      Object.entries(resource.labels).map(([label, value]) => `${resource.mesh} ${label}=${value}`),
    ),
    destination,
  };
}

function withLabels(
  { services, byLabel }: ServiceKind,
  mesh: string,
  labels: Readonly<Record<string, string>>,
): string[] {
  const [label] = Object.entries(labels);
  if (label === undefined) return [];
  const keys = byLabel.get(`${mesh} ${label[0]}=${label[1]}`);
  return keys.filter((key) => labelsMatch(labels, services.get(key)?.labels ?? {}));
}

/** Derivations of outbounds. */
export function deriveOutbounds(
  graph: Graph,
  inputs: EngineInputs,
  meshFacts: Derivation<readonly [mesh: string], MeshFacts | undefined>,
  dataplane: Derivation<readonly [key: string], DataplaneFacts | undefined>,
  destinations: DestinationDerivations,
): OutboundDerivations {
  const inMesh = [
    serviceKind('MeshService', inputs, (...port) => destinations.meshService.get(...port)),
    serviceKind('MeshMultiZoneService', inputs, (...port) => destinations.multiZoneService.destination.get(...port)),
  ];
  const external = serviceKind('MeshExternalService', inputs, destinations.meshExternalService, {
    portsOf: portOfExternal,
    ipsOf: ipOfExternal,
  });
  const kinds = [...inMesh, external];
  const outbound = graph.derive(
    'outbound',
    (address: string, port: number, destination: Destination): Outbound => ({ address, port, destination }),
  );

  const serviceAddresses = deriveServiceAddresses({ graph, inputs, outbound, destinations });

  const addressesOfKind = kinds.map(({ type, services, destination, portsOf, ipsOf }) =>
    graph.derive(`${type} addresses`, (key: string): VirtualAddresses => {
      const resource = services.get(key);
      if (resource === undefined) return { outbounds: [], records: [] };
      const { addresses = [] } = (resource.status ?? {}) as MeshServiceStatus;
      const ips = ipsOf(resource.status ?? {});
      // A store may hold what is refused now, and Envoy refuses a whole update for one port that is none.
      const ports = portsOf(resource.spec).filter(isPort);
      const outbounds = ips.flatMap((ip) =>
        ports.flatMap((port) => {
          const found = destination(key, port, false);
          return found === undefined ? [] : [outbound.get(ip, port, found)];
        }),
      );
      // Two generators may have given one name.
      const hostnames = [...new Set(addresses.map(({ hostname }) => hostname))];
      return { outbounds, records: ips.length === 0 ? [] : hostnames.map((name) => ({ name, addresses: ips })) };
    }),
  );

  /** Services of a mesh with their addresses. */
  const addressed = (mesh: string, among: readonly ServiceKind[]) =>
    among.flatMap((kind) =>
      kind.byMesh.get(mesh).flatMap((key) => {
        const [resource, addresses] = [kind.services.get(key), addressesOfKind[kinds.indexOf(kind)]?.get(key)];
        return resource === undefined || addresses === undefined ? [] : [{ resource, addresses }];
      }),
    );

  const allOf = (mesh: string, among: readonly ServiceKind[]): VirtualAddresses => {
    const parts = addressed(mesh, among).map(({ addresses }) => addresses);
    return { outbounds: parts.flatMap((part) => part.outbounds), records: parts.flatMap((part) => part.records) };
  };
  const allMeshServices = graph.derive('mesh addresses', (mesh: string) => allOf(mesh, inMesh));
  const allExternal = graph.derive('external addresses', (mesh: string) => allOf(mesh, [external]));

  const serviceNames = (mesh: string, wanted: readonly string[] | undefined): VirtualAddresses => {
    const all = serviceAddresses.get(mesh);
    const chosen =
      wanted === undefined ? all : all.filter(({ services }) => services.some((each) => wanted.includes(each)));
    return { outbounds: chosen.flatMap((part) => part.outbounds), records: chosen.flatMap((part) => part.records) };
  };

  // References to single ports leave the service's host name in place: it leads to the ports that are reachable.
  const reachable = (
    mesh: string,
    wanted: readonly BackendReference[],
    among: readonly ServiceKind[],
  ): VirtualAddresses => {
    const outbounds: Outbound[] = [];
    const records: DnsRecord[] = [];
    for (const { resource, addresses } of addressed(mesh, among)) {
      const chosen = addresses.outbounds.filter(({ port }) =>
        wanted.some((reference) => references(reference, resource, port)),
      );
      outbounds.push(...chosen);
      if (chosen.length > 0) records.push(...addresses.records);
    }
    return { outbounds, records };
  };

  // What proxies ask for stands in texts: proxies that ask for the same share one list.
  const virtualAddresses = graph.derive(
    'virtual addresses',
    (mesh: string, reachableServices: string, reachableBackends: string): VirtualAddresses => {
      const services = JSON.parse(reachableServices) as readonly string[] | null;
      const backends = JSON.parse(reachableBackends) as readonly BackendReference[] | null;
      const mode = meshFacts.get(mesh)?.meshServices ?? 'Disabled';
      const parts: VirtualAddresses[] = [];
      if (mode !== 'Exclusive') parts.push(serviceNames(mesh, services ?? undefined));
      if (mode !== 'Disabled' && backends !== null) parts.push(reachable(mesh, backends, inMesh));
      else if (mode === 'Everywhere' || mode === 'Exclusive') parts.push(allMeshServices.get(mesh));
      // External services are resources in every mode.
      parts.push(backends === null ? allExternal.get(mesh) : reachable(mesh, backends, [external]));
      return {
        outbounds: parts.flatMap((part) => part.outbounds),
        records: parts.flatMap((part) => part.records).sort(byName),
      };
    },
  );
  const virtualAddressesOf = ({ mesh, reachableServices, reachableBackends }: DataplaneFacts): VirtualAddresses =>
    virtualAddresses.get(mesh, JSON.stringify(reachableServices ?? null), JSON.stringify(reachableBackends ?? null));

  const referenced = (mesh: string, { backendRef, port }: DataplaneOutbound): Destination | undefined => {
    const kind = kinds.find(({ type }) => type === (backendRef?.kind ?? 'MeshService'));
    if (backendRef === undefined || kind === undefined) return undefined;
    const { labels, name } = backendRef;
    const [key] = labels === undefined ? [`${mesh}/${name}`] : withLabels(kind, mesh, labels);
    if (key === undefined) return undefined;
    const ownPort = kind === external ? 0 : port;
    return kind.destination(key, backendRef.port ?? ownPort ?? 0, true);
  };

  // Where all services are resources, policies speak of these: who calls one without its port means it, too, where there is but one port.
  const resourceOf = (mesh: string, service: string): Destination | undefined => {
    if (meshFacts.get(mesh)?.meshServices !== 'Exclusive') return undefined;
    const key = `${mesh}/${service}`;
    const [port, ...others] = portsOfService(inputs.resources('MeshService').get(key)?.spec ?? {});
    return port === undefined || others.length > 0 ? undefined : destinations.meshService.get(key, port, true);
  };

  const explicit = (mesh: string, given: DataplaneOutbound): Outbound | undefined => {
    const { [tagNames.service]: service, [labelNames.mesh]: _mesh, ...others } = given.tags ?? {};
    const tagged = (name: string): Destination =>
      Object.keys(others).length === 0
        ? (resourceOf(mesh, name) ?? destinations.service.get(mesh, name))
        : destinations.subset.get(mesh, name, JSON.stringify(others));
    const destination = service === undefined ? referenced(mesh, given) : tagged(service);
    return destination && outbound.get(given.address ?? '127.0.0.1', given.port ?? 0, destination);
  };

  const explicitOutbounds = graph.derive('explicit outbounds', (mesh: string, given: string): readonly Outbound[] =>
    (JSON.parse(given) as DataplaneOutbound[]).flatMap((item) => explicit(mesh, item) ?? []),
  );
  const equals = Object.is;
  const bound = graph.derive('bound outbounds', (written: readonly Outbound[], all: readonly Outbound[]) =>
    boundOutbounds(written, all),
  );
  const boundNames = graph.derive('names of bound outbounds', (records: readonly DnsRecord[]) => boundRecords(records));

  return {
    ofMesh: graph.derive(
      'outbounds of a mesh',
      (mesh: string) => virtualAddresses.get(mesh, 'null', 'null').outbounds,
      {
        equals,
      },
    ),
    outbounds: graph.derive(
      'outbounds',
      (proxyKey: string, calls: CallMode): readonly Outbound[] => {
        const facts = dataplane.get(proxyKey);
        if (facts === undefined) return noOutbounds;
        if (calls === 'redirected') return virtualAddressesOf(facts).outbounds;
        const written = explicitOutbounds.get(facts.mesh, JSON.stringify(facts.outbounds));
        return calls === 'explicit' ? written : bound.get(written, virtualAddressesOf(facts).outbounds);
      },
      { equals },
    ),
    records: graph.derive(
      'dns records',
      (proxyKey: string, calls: CallMode): readonly DnsRecord[] => {
        const facts = dataplane.get(proxyKey);
        if (facts === undefined || calls === 'explicit') return noRecords;
        const { records } = virtualAddressesOf(facts);
        return calls === 'bound' ? boundNames.get(records) : records;
      },
      { equals },
    ),
    warnings: graph.derive('warnings of outbounds', (proxyKey: string, calls: CallMode): readonly string[] => {
      const facts = dataplane.get(proxyKey);
      return facts === undefined || calls !== 'bound' ? [] : unboundWarnings(virtualAddressesOf(facts).outbounds);
    }),
  };
}
