// Skeleton of an inbound: the listener for one port of the workload, its chains, and the cluster of the application behind it.
import { create } from '@bufbuild/protobuf';
import {
  addGrpcStatistics,
  addKafkaStatistics,
  type ClusterDraft,
  durationOf,
  type FilterChainDraft,
  httpChain,
  type InboundNaming,
  listenerDraft,
  meshAlpn,
  meshServerTls,
  prefixRoute,
  routeConfiguration,
  socketAddress,
  staticCluster,
  tcpChain,
  tlsInspector,
  upstreamHttp,
} from '@ursa/envoy';
import {
  FilterChainMatchSchema,
  FilterChainSchema,
} from '@ursa/envoy/gen/envoy/config/listener/v3/listener_components_pb.ts';
import type { Listener } from '@ursa/envoy/gen/envoy/config/listener/v3/listener_pb.ts';
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

function applicationCluster(inbound: InboundFacts, name: string, proxyClass: ProxyClass): ClusterDraft {
  const { protocol, serviceAddress, servicePort } = inbound;
  const source = proxyClass.transparent ? bypassFor(serviceAddress) : undefined;
  const basics = { name, altStatName: !proxyClass.names.unified };
  const draft = staticCluster(basics, [socketAddress(serviceAddress, servicePort)], source);
  if (!isHttp(protocol)) return draft;
  const httpOptions = upstreamHttp(protocol === 'http' ? 1 : 2);
  boundApplicationConnections(httpOptions, protocol);
  return { ...draft, httpOptions };
}

function inboundChain(inbound: InboundFacts, naming: InboundNaming, proxyClass: ProxyClass): FilterChainDraft {
  const { protocol } = inbound;
  const { names } = proxyClass;
  const cluster = names.inboundCluster(naming);
  if (!isHttp(protocol)) {
    const chain = tcpChain(cluster, cluster);
    if (protocol === 'kafka' && proxyClass.kafka) addKafkaStatistics(chain, cluster);
    return chain;
  }
  const routes = routeConfiguration({
    name: names.inboundRoute(naming),
    virtualHost: names.inboundVirtualHost(naming),
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

/** The inbound as a place, before any policy has seen it. */
export function inboundSkeleton(inbound: InboundFacts, mode: InboundMode, proxyClass: ProxyClass): InboundPlace {
  const { names, transparent } = proxyClass;
  const name = names.inboundListener(inbound);
  const chains = chainsOf(() => inboundChain(inbound, inbound, proxyClass), mode, proxyClass);
  const listener = listenerDraft({
    name,
    ...(names.unified ? { statPrefix: name } : {}),
    address: socketAddress(inbound.address, inbound.port),
    direction: 'INBOUND',
    chains: chains.all,
    reusePort: proxyClass.reusePort,
    ...(transparent ? { bindToPort: false } : {}),
    tags: inbound.tags,
  });
  if (proxyClass.tls !== undefined && mode === 'Permissive') listener.message.listenerFilters.push(tlsInspector());
  return {
    proxy: proxyClass.facts,
    protocol: inbound.protocol === 'unknown' ? 'tcp' : inbound.protocol,
    tags: inbound.tags,
    listener,
    chains: chains.all,
    authenticatedChains: chains.authenticated,
    cluster: applicationCluster(inbound, names.inboundCluster(inbound), proxyClass),
    extraClusters: [],
  };
}

/** The listener of an inbound that cannot be built as it should be: it closes connections, because without it they might get to the application. */
export function closedInbound(inbound: InboundFacts, { names, transparent, reusePort }: ProxyClass): Listener {
  const name = names.inboundListener(inbound);
  const { message } = listenerDraft({
    name,
    ...(names.unified ? { statPrefix: name } : {}),
    address: socketAddress(inbound.address, inbound.port),
    direction: 'INBOUND',
    chains: [],
    reusePort,
    ...(transparent ? { bindToPort: false } : {}),
    tags: inbound.tags,
  });
  message.filterChains = [create(FilterChainSchema)];
  return message;
}
