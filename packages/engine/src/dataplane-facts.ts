// A Dataplane, read once: its inbounds as listeners, clusters and endpoints need them, and what policies select it by.
import type { Derivation, Graph } from '@ursa/collections';
import type { Protocol, ServiceEndpoint } from '@ursa/envoy';
import { provenance, type SelectableProxy } from '@ursa/policy';
import {
  type DataplaneInbound,
  type DataplaneOutbound,
  type DataplaneSpec,
  isInboundReady,
  type Resource,
  tagNames,
  whyNotReady,
} from '@ursa/resources';
import type { EngineInputs } from './engine.ts';
import { type IpLookup, ipLookup } from './host-address.ts';
import type { PrometheusConf } from './mesh-facts.ts';
import { isPort } from './port.ts';
import { parseProtocol } from './protocol.ts';

type Tags = Readonly<Record<string, string>>;

/** One port that a proxy serves. */
export interface InboundFacts {
  /** Its Dataplane, and where it stands there among those that are not ignored. */
  readonly proxyKey: string;
  readonly position: number;
  /** Where the proxy listens. */
  readonly address: string;
  readonly port: number;
  /** Where the application listens. */
  readonly serviceAddress: string;
  readonly servicePort: number;
  /** Name of the port; '' when it has none. */
  readonly name: string;
  /** The name, or else the port's number. */
  readonly section: string;
  readonly service: string;
  readonly protocol: Protocol;
  readonly tags: Tags;
  /** False while the application does not answer its probe: others get no endpoint then. */
  readonly ready: boolean;
  /** Why not, for people. */
  readonly whyNotReady: string | undefined;
  /** Where other proxies reach it, and the zone they find it in. */
  readonly endpoint: ServiceEndpoint;
  readonly zone: string;
}

/** Ports in a Dataplane that was made for transparent proxying. */
export interface RedirectPorts {
  readonly inbound: number;
  readonly outbound: number;
  readonly ipv6: boolean;
}

/** One path of a listener for probes, and where in the workload it leads. */
export interface VirtualProbe {
  readonly path: string;
  readonly inboundPort: number;
  readonly inboundPath: string;
}

/** A Dataplane as the engine reads it. */
export interface DataplaneFacts {
  readonly mesh: string;
  readonly name: string;
  readonly labels: Tags;
  readonly address: string;
  /** False while its address is a host name for which no IP address is known: the proxy gets no configuration then, as it could listen nowhere. */
  readonly isAddressKnown: boolean;
  readonly adminPort: number | undefined;
  readonly inbounds: readonly InboundFacts[];
  readonly outbounds: readonly DataplaneOutbound[];
  readonly gateway: { readonly kind: 'delegated' | 'builtin'; readonly tags: Tags } | undefined;
  readonly redirect: RedirectPorts | undefined;
  /** The deprecated listener for probes. */
  readonly probes: { readonly port: number; readonly endpoints: readonly VirtualProbe[] } | undefined;
  /** What it says of the Prometheus listener that its Mesh asks for. */
  readonly metrics: PrometheusConf | undefined;
  /** Services whose instances the workload reaches one by one; `*` for all. */
  readonly directAccessServices: readonly string[] | undefined;
  readonly reachableServices: readonly string[] | undefined;
  readonly reachableBackends: readonly BackendReference[] | undefined;
  /** What policies select it by. */
  readonly selectable: SelectableProxy;
}

/** One entry of `reachableBackends`. */
export interface BackendReference {
  readonly kind?: string;
  readonly name?: string;
  readonly namespace?: string;
  readonly port?: number;
  readonly labels?: Tags;
}

function withoutService(tags: Tags): Tags {
  return Object.fromEntries(Object.entries(tags).filter(([key]) => key !== tagNames.service));
}

function inboundFacts(
  resource: Resource,
  networking: NonNullable<DataplaneSpec['networking']>,
  inbound: DataplaneInbound,
  position: number,
  ipOf: IpLookup,
): InboundFacts {
  const proxyAddress = ipOrName(networking.address, ipOf);
  const address = inbound.address ?? proxyAddress;
  const port = inbound.port ?? 0;
  const tags = inbound.tags ?? {};
  const advertised = inbound.address ?? ipOrName(networking.advertisedAddress ?? networking.address, ipOf);
  const unusable = whyUnusable(advertised, port, ipOf);
  return {
    proxyKey: `${resource.mesh}/${resource.name}`,
    position,
    address,
    port,
    serviceAddress: inbound.serviceAddress ?? address,
    servicePort: inbound.servicePort === undefined || inbound.servicePort === 0 ? port : inbound.servicePort,
    name: inbound.name ?? '',
    section: inbound.name === undefined || inbound.name === '' ? String(port) : inbound.name,
    service: tags[tagNames.service] ?? '',
    protocol: parseProtocol(inbound.protocol ?? tags[tagNames.protocol]),
    tags,
    ready: isInboundReady(inbound) && unusable === undefined,
    whyNotReady: unusable ?? whyNotReady(resource.labels, inbound),
    endpoint: { address: advertised, port, weight: 1, tags: withoutService(tags), labels: resource.labels },
    zone: tags[tagNames.zone] ?? '',
  };
}

/** As it is written while it has no IP address. */
function ipOrName(address: string | undefined, ipOf: IpLookup): string {
  return ipOf(address ?? '') ?? address ?? '';
}

/** Why it cannot be an endpoint: one of these among the endpoints of a service, and Envoy would refuse them all. */
function whyUnusable(address: string, port: number, ipOf: IpLookup): string | undefined {
  if (!isPort(port)) return `its port ${port} is no port`;
  if (address === '' || ipOf(address) !== undefined) return undefined;
  return `its address ${address} is a host name for which no IP address is known`;
}

function redirectPorts(networking: NonNullable<DataplaneSpec['networking']>): RedirectPorts | undefined {
  const { redirectPortInbound = 0, redirectPortOutbound = 0, ipFamilyMode } = networking.transparentProxying ?? {};
  if (redirectPortInbound === 0 || redirectPortOutbound === 0) return undefined;
  return { inbound: redirectPortInbound, outbound: redirectPortOutbound, ipv6: ipFamilyMode !== 'IPv4' };
}

function virtualProbesOf(probes: DataplaneSpec['probes']): DataplaneFacts['probes'] {
  if (probes?.port === undefined) return undefined;
  const pathOf = (text = ''): string => text.replace(/[?#].*$/s, '');
  const endpoints = (probes.endpoints ?? []).map(({ path, inboundPath, inboundPort = 0 }) => ({
    ...{ path: pathOf(path), inboundPath: pathOf(inboundPath), inboundPort },
  }));
  return { port: probes.port, endpoints };
}

function metricsOf({ metrics }: DataplaneSpec): PrometheusConf | undefined {
  return metrics?.type === 'prometheus' ? ((metrics.conf ?? {}) as PrometheusConf) : undefined;
}

/** Reads a Dataplane. The resource has been validated when it was written. */
export function dataplaneFacts(resource: Resource, ipOf: IpLookup = ipLookup({})): DataplaneFacts {
  const networking = (resource.spec as DataplaneSpec).networking ?? {};
  const inbounds: InboundFacts[] = [];
  const ignored: InboundFacts[] = [];
  for (const inbound of networking.inbound ?? []) {
    const place = inbound.state === 'Ignored' ? ignored : inbounds;
    place.push(inboundFacts(resource, networking, inbound, place.length, ipOf));
  }
  const gateway = networking.gateway && {
    kind: networking.gateway.type === 'BUILTIN' ? ('builtin' as const) : ('delegated' as const),
    tags: networking.gateway.tags ?? {},
  };
  return {
    mesh: resource.mesh,
    name: resource.name,
    labels: resource.labels,
    address: ipOrName(networking.address, ipOf),
    isAddressKnown: (networking.address ?? '') === '' || ipOf(networking.address ?? '') !== undefined,
    adminPort: networking.admin?.port,
    inbounds,
    outbounds: networking.outbound ?? [],
    gateway,
    redirect: redirectPorts(networking),
    probes: virtualProbesOf((resource.spec as DataplaneSpec).probes),
    metrics: metricsOf(resource.spec as DataplaneSpec),
    directAccessServices: networking.transparentProxying?.directAccessServices,
    reachableServices: networking.transparentProxying?.reachableServices,
    reachableBackends:
      networking.transparentProxying?.reachableBackends &&
      (networking.transparentProxying.reachableBackends.refs ?? []),
    selectable: {
      ...provenance(resource),
      mesh: resource.mesh,
      labels: resource.labels,
      // Nobody is to call what is ignored, but its workload calls others: policies that mean it hold for the proxy.
      inbounds: [...inbounds, ...ignored],
      ...(gateway?.kind === 'delegated' ? { gateway: { kind: 'delegated' as const, tags: gateway.tags } } : {}),
    },
  };
}

/** Facts by the Dataplane's key. */
export function deriveDataplaneFacts(
  graph: Graph,
  inputs: EngineInputs,
): Derivation<readonly [key: string], DataplaneFacts | undefined> {
  const ipOf = ipLookup(inputs);
  return graph.derive('dataplane facts', (key: string) => {
    const resource = inputs.resources('Dataplane').get(key);
    return resource && dataplaneFacts(resource, ipOf);
  });
}

/** Tags of a proxy as policies with sources see them, a set for each of its inbounds, and one for a gateway. */
export function callerTags({ inbounds, gateway }: Pick<DataplaneFacts, 'inbounds' | 'gateway'>): readonly Tags[] {
  return [...inbounds.map(({ tags }) => tags), ...(gateway === undefined ? [] : [gateway.tags])];
}
