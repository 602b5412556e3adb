// Every name that we give to an Envoy resource, in both forms (feature C15, reference s10): the legacy one, which is the default, and
// the unified one, for proxies that announced it in a mesh whose services are MeshServices only.

/** Makes a name fit for Envoy's statistics. */
export function statName(name: string): string {
  return name.replaceAll(/[^a-zA-Z0-9_-]/g, '_');
}

/** Host and port in one string, IPv6 addresses in brackets. */
export function hostPort(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** An inbound as it is named: `section` is the port's name, or its number. */
export interface InboundNaming {
  readonly address: string;
  readonly port: number;
  readonly servicePort: number;
  readonly service: string;
  readonly section: string;
}

/** A destination as it is named. Services known only by their tag have no KRI. */
export interface DestinationNaming {
  /** `kuma.io/service` of a service known by its tag, or the legacy form of a MeshService's port. */
  readonly legacyName: string;
  readonly kri: string | undefined;
}

/** An address that leads to a destination. */
export interface OutboundNaming extends DestinationNaming {
  readonly address: string;
  readonly port: number;
}

/** Which way traffic goes, seen from the workload. */
export type Direction = 'inbound' | 'outbound';
/** Redirected traffic has a listener for each. */
export type IpFamily = 'ipv4' | 'ipv6';

/** What traces are sent to. */
export type TraceCollector = 'zipkin' | 'datadog' | 'opentelemetry';

/** One form of all names. */
export interface EnvoyNames {
  readonly unified: boolean;
  inboundListener(inbound: InboundNaming): string;
  inboundCluster(inbound: InboundNaming): string;
  inboundRoute(inbound: InboundNaming): string;
  inboundVirtualHost(inbound: InboundNaming): string;
  outboundListener(outbound: OutboundNaming): string;
  /** Also the name of its endpoints and of its virtual host. */
  outboundCluster(destination: DestinationNaming): string;
  outboundRoute(destination: DestinationNaming): string;
  passthrough(direction: Direction, family: IpFamily): string;
  readonly noDestinationInbound: string;
  /**
   * A cluster or filter chain for destinations outside of the mesh: `protocol` and `value` as users write them. Several host names of one
   * protocol and port share a chain, which has no `value`. The same in both forms.
   */
  outside(protocol: string, value: string | undefined, port: number | undefined): string;
  readonly admin: string;
  readonly readiness: string;
  readonly dns: string;
  readonly dynamicConfig: string;
  /** Routes of the dynamic configuration by path, such as `/dns`; Envoy needs no name for the legacy form's "not modified". */
  dynamicConfigRoute(path: string): string;
  dynamicConfigNotModified(path: string): string;
  readonly metricsListener: string;
  readonly metricsCluster: string;
  /** Listener and cluster for a Prometheus that MeshMetric speaks of; `client` tells several apart. */
  metricsOf(client: string): { readonly listener: string; readonly cluster: string };
  /** Listener and cluster through which kuma-dp sends metrics to a collector. */
  metricsCollector(collector: string): string;
  /** The collector of traces at an address. A proxy has one. */
  traceCollector(kind: TraceCollector, address: string): string;
  identitySecret(mesh: string): string;
  meshCaSecret(mesh: string): string;
  /** The listener of a zone egress. */
  egressListener(address: string, port: number): string;
  /** A service that is known by its tag, where services of several meshes meet: its filter chain, its routes and their host. */
  egressService(mesh: string, service: string): EgressServiceNames;
}

/** Names for a service on a zone egress. */
export interface EgressServiceNames {
  readonly cluster: string;
  readonly chain: string;
  readonly routes: string;
  readonly virtualHost: string;
}

const outside = (protocol: string, value: string | undefined, port: number | undefined): string =>
  ['meshpassthrough', protocol, ...(value === undefined ? [] : [value]), port ?? '*'].join('_');
const noDestinationInbound = 'self_transparentproxy_no_destination_inbound';
const metrics = { metricsListener: 'kuma:metrics:prometheus', metricsCluster: 'kuma:metrics:hijacker' };

/** Names of the listener of virtual probes; the same in both forms. */
export const virtualProbeNames = {
  listener: 'probe:listener',
  route: 'probe:route_configuration',
  virtualHost: 'probe',
} as const;

/** Names of direct access to instances; the same in both forms. */
export const directAccessNames = {
  listener: (address: string, port: number): string => `direct_access_${hostPort(address, port)}`,
  cluster: 'direct_access',
} as const;

/** Names as proxies have had them since ever. */
export const legacyNames: EnvoyNames = {
  ...metrics,
  unified: false,
  outside,
  inboundListener: ({ address, port }) => `inbound:${hostPort(address, port)}`,
  inboundCluster: ({ servicePort }) => `localhost:${servicePort}`,
  inboundRoute: ({ service }) => `inbound:${service}`,
  inboundVirtualHost: ({ service }) => service,
  outboundListener: ({ address, port }) => `outbound:${hostPort(address, port)}`,
  outboundCluster: ({ legacyName }) => legacyName,
  outboundRoute: ({ legacyName, kri }) => kri ?? `outbound:${legacyName}`,
  passthrough: (direction, family) => `${direction}:passthrough:${family}`,
  noDestinationInbound,
  admin: 'kuma:envoy:admin',
  readiness: 'kuma:readiness',
  dns: 'kuma:dns',
  dynamicConfig: '_kuma:dynamicconfig',
  dynamicConfigRoute: (path) => `_kuma:dynamicconfig:${path}`,
  dynamicConfigNotModified: () => '',
  metricsOf: (client) => ({ listener: `_kuma:metrics:prometheus:${client}`, cluster: '_kuma:metrics:hijacker' }),
  metricsCollector: (collector) => `_kuma:metrics:opentelemetry:${collector}`,
  traceCollector: (kind) => `meshtrace:${kind}`,
  identitySecret: (mesh) => `identity_cert:secret:${mesh}`,
  meshCaSecret: (mesh) => `mesh_ca:secret:${mesh}`,
  egressListener: (address, port) => `inbound:${hostPort(address, port)}`,
  egressService: (mesh, service) => ({
    cluster: `${mesh}:${service}`,
    chain: `${service}_${mesh}`,
    routes: `outbound:${service}`,
    virtualHost: service,
  }),
};

const selfInbound = ({ section }: InboundNaming): string => `self_inbound_dp_${section}`;
const systemPart = (text: string): string => text.toLowerCase().replaceAll(/[^a-z0-9-]/g, '-');
const kriOrLegacy = ({ kri, legacyName }: DestinationNaming): string => kri ?? legacyName;

/** Names that say whose a resource is: `kri_…` of a mesh resource, `self_…` of the proxy, `system_…` of the mesh itself. */
export const unifiedNames: EnvoyNames = {
  ...metrics,
  unified: true,
  outside,
  inboundListener: selfInbound,
  inboundCluster: selfInbound,
  inboundRoute: selfInbound,
  inboundVirtualHost: selfInbound,
  outboundListener: kriOrLegacy,
  outboundCluster: kriOrLegacy,
  outboundRoute: kriOrLegacy,
  passthrough: (direction, family) => `self_transparentproxy_passthrough_${direction}_${family}`,
  noDestinationInbound,
  admin: 'system_envoy_admin',
  readiness: 'system_probe_readiness',
  dns: 'system_dns',
  dynamicConfig: 'system_dynamicconfig',
  dynamicConfigRoute: (path) => `system_dynamicconfig_${path.slice(1)}`,
  dynamicConfigNotModified: (path) => `system_dynamicconfig_${path.slice(1)}_not_modified`,
  metricsOf: (client) => {
    const name = `system_meshmetric_prometheus_${systemPart(client)}`;
    return { listener: name, cluster: name };
  },
  metricsCollector: (collector) => `system_meshmetric_otel_${systemPart(collector)}`,
  traceCollector: (kind, address) =>
    `system_meshtrace_${kind === 'opentelemetry' ? 'otel' : kind}_${systemPart(address)}`,
  identitySecret: (mesh) => `system_mtls_identity_${mesh}`,
  meshCaSecret: (mesh) => `system_mtls_ca_${mesh}`,
  egressListener: (_address, port) => `self_inbound_ze_${port}`,
  egressService: (mesh, service) => ({
    cluster: `${mesh}:${service}`,
    chain: `${mesh}:${service}_${mesh}`,
    routes: `outbound:${mesh}:${service}`,
    virtualHost: `${mesh}:${service}`,
  }),
};

/** Legacy name of a port of a MeshService, MeshExternalService or MeshMultiZoneService; `shortType` is `msvc`, `extsvc` or `mzsvc`. */
export function legacyServiceName(service: {
  readonly mesh: string;
  readonly name: string;
  readonly namespace: string;
  readonly zone: string;
  readonly shortType: string;
  readonly port: number;
}): string {
  const { mesh, name, namespace, zone, shortType, port } = service;
  return `${mesh}_${name}_${namespace}_${zone}_${shortType}_${port}`;
}
