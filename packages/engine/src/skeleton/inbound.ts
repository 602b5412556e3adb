// Skeleton of an inbound: the listener for one port of the workload, its chains, and the cluster of the application behind it.
import { create } from '@bufbuild/protobuf';
import {
  addGrpcStatistics,
  addKafkaStatistics,
  type ClusterDraft,
  durationOf,
  type EnvoyResource,
  encodePart,
  type FilterChainDraft,
  httpChain,
  joinParts,
  listenerDraft,
  meshAlpn,
  meshServerTls,
  type Protocol,
  prefixRoute,
  routeConfiguration,
  socketAddress,
  staticAddresses,
  staticCluster,
  tcpChain,
  tlsInspector,
  upstreamHttp,
} from '@ursa/envoy';
import {
  FilterChainMatchSchema,
  FilterChainSchema,
} from '@ursa/envoy/gen/envoy/config/listener/v3/listener_components_pb.ts';
import { ListenerSchema } from '@ursa/envoy/gen/envoy/config/listener/v3/listener_pb.ts';
import {
  HttpConnectionManager_SetCurrentClientCertDetailsSchema as CertDetailsSchema,
  HttpConnectionManager_ForwardClientCertDetails,
} from '@ursa/envoy/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts';
import type { InboundMode, InboundPlace } from '@ursa/policy';
import type { InboundFacts } from '../dataplane-facts.ts';
import { meshTlsOf } from '../identity/proxy-tls.ts';
import { isHttp } from '../protocol.ts';
import type { ProxyClass } from '../proxy-class.ts';
import { boundApplicationConnections, inboundStreamIdle } from './default-times.ts';

/** Source addresses that a redirecting host lets pass to the application. */
export const bypassAddress = { ipv4: '127.0.0.6', ipv6: '::6' } as const;

function bypassFor(address: string): string | undefined {
  if (address.startsWith('127.') || address === '::1') return undefined;
  return address.includes(':') ? bypassAddress.ipv6 : bypassAddress.ipv4;
}

/** What an inbound is built from before its addresses are known: the same for all instances of a service. */
export interface InboundOutline {
  readonly protocol: Protocol;
  readonly tags: Readonly<Record<string, string>>;
  /** Names of what it is made of. */
  readonly cluster: string;
  readonly route: string;
  readonly virtualHost: string;
}

/** The outline of an inbound. */
export function outlineOf(inbound: InboundFacts, { names }: ProxyClass): InboundOutline {
  const { protocol, tags } = inbound;
  return {
    protocol,
    tags,
    cluster: names.inboundCluster(inbound),
    route: names.inboundRoute(inbound),
    virtualHost: names.inboundVirtualHost(inbound),
  };
}

function applicationCluster({ protocol, cluster }: InboundOutline, { names }: ProxyClass): ClusterDraft {
  const draft = staticCluster({ name: cluster, altStatName: !names.unified }, []);
  if (!isHttp(protocol)) return draft;
  const httpOptions = upstreamHttp(protocol === 'http' ? 1 : 2);
  boundApplicationConnections(httpOptions, protocol);
  return { ...draft, httpOptions };
}

/** The cluster of an inbound's application, from what it has in common with others. */
export function placedApplication(inbound: InboundFacts, shape: Uint8Array, proxyClass: ProxyClass): EnvoyResource {
  const { serviceAddress, servicePort } = inbound;
  const name = proxyClass.names.inboundCluster(inbound);
  const addresses = [socketAddress(serviceAddress, servicePort)];
  const own = staticAddresses(name, addresses, proxyClass.transparent ? bypassFor(serviceAddress) : undefined);
  return joinParts('cluster', name, [encodePart('cluster', own), shape], 'inbound');
}

function inboundChain({ protocol, ...named }: InboundOutline, { kafka }: ProxyClass): FilterChainDraft {
  const { cluster } = named;
  if (!isHttp(protocol)) {
    const chain = tcpChain(cluster, cluster);
    if (protocol === 'kafka' && kafka) addKafkaStatistics(chain, cluster);
    return chain;
  }
  const routes = routeConfiguration({
    name: named.route,
    virtualHost: named.virtualHost,
    removeRequestHeaders: ['x-kuma-tags'],
    routes: [prefixRoute({ prefix: '/', cluster })],
  });
  const chain = httpChain(cluster, routes, {
    trusted: 'private',
    manager(manager) {
      manager.streamIdleTimeout = durationOf(inboundStreamIdle);
      manager.forwardClientCertDetails = HttpConnectionManager_ForwardClientCertDetails.SANITIZE_SET;
      manager.setCurrentClientCertDetails = create(CertDetailsSchema, { uri: true });
    },
  });
  if (protocol === 'grpc') addGrpcStatistics(chain);
  return chain;
}

interface Chains {
  readonly all: readonly FilterChainDraft[];
  readonly authenticated: readonly FilterChainDraft[];
}

/** Strict: one chain in mTLS. Permissive: mTLS for proxies of the mesh, and two chains for everyone else, in plain text or TLS of their own. */
function chainsOf(makeChain: () => FilterChainDraft, mode: InboundMode, proxyClass: ProxyClass): Chains {
  const { names, facts, tls } = proxyClass;
  if (tls === undefined) return { all: [makeChain()], authenticated: [] };
  const secured = makeChain();
  secured.message.transportSocket = meshServerTls(meshTlsOf(facts.mesh, tls, names));
  if (mode === 'Strict') return { all: [secured], authenticated: [secured] };
  const matching = (
    chain: FilterChainDraft,
    transportProtocol: string,
    applicationProtocols: string[],
  ): FilterChainDraft => {
    chain.message.filterChainMatch = create(FilterChainMatchSchema, { transportProtocol, applicationProtocols });
    return chain;
  };
  matching(secured, 'tls', [meshAlpn]);
  return {
    all: [matching(makeChain(), 'raw_buffer', []), matching(makeChain(), 'tls', []), secured],
    authenticated: [secured],
  };
}

/** The inbound as a place, before any policy has seen it. `nameOf`: gives the listener's name to who asks for it. */
export function inboundSkeleton(
  outline: InboundOutline,
  mode: InboundMode,
  proxyClass: ProxyClass,
  nameOf: () => string,
): InboundPlace {
  const { protocol, tags } = outline;
  const chains = chainsOf(() => inboundChain(outline, proxyClass), mode, proxyClass);
  const listener = listenerDraft({
    direction: 'INBOUND',
    chains: chains.all,
    reusePort: proxyClass.reusePort,
    ...(proxyClass.transparent ? { bindToPort: false } : {}),
    tags,
  });
  if (proxyClass.tls !== undefined && mode === 'Permissive') listener.message.listenerFilters.push(tlsInspector());
  return {
    proxy: proxyClass.facts,
    protocol: protocol === 'unknown' ? 'tcp' : protocol,
    tags,
    listener,
    get listenerName() {
      return nameOf();
    },
    chains: chains.all,
    authenticatedChains: chains.authenticated,
    cluster: applicationCluster(outline, proxyClass),
    extraClusters: [],
  };
}

/** The listener of an inbound that cannot be built as it should be: it closes connections, because without it they might get to the application. */
export function closedInbound(inbound: InboundFacts, proxyClass: ProxyClass): EnvoyResource {
  const { message } = listenerDraft({
    direction: 'INBOUND',
    chains: [],
    reusePort: proxyClass.reusePort,
    ...(proxyClass.transparent ? { bindToPort: false } : {}),
    tags: inbound.tags,
  });
  message.filterChains = [create(FilterChainSchema)];
  return placedInbound(inbound, encodePart('listener', message), proxyClass);
}

/** The listener of an inbound, from what it has in common with others. */
export function placedInbound(inbound: InboundFacts, shape: Uint8Array, { names }: ProxyClass): EnvoyResource {
  const name = names.inboundListener(inbound);
  const address = socketAddress(inbound.address, inbound.port);
  const own = create(ListenerSchema, { name, address, ...(names.unified ? { statPrefix: name } : {}) });
  return joinParts('listener', name, [encodePart('listener', own), shape], 'inbound');
}
