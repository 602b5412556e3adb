// Skeleton of an outbound: the listener for one destination and the cluster its traffic goes to. The same for all proxies of a class.
import {
  addGrpcStatistics,
  addKafkaStatistics,
  type ClusterDraft,
  catchAllRouteName,
  endpointsCluster,
  type FilterChainDraft,
  httpChain,
  listenerDraft,
  meshClientTls,
  type OutboundNaming,
  prefixRoute,
  routeConfiguration,
  socketAddress,
  tcpChain,
  upstreamHttp,
} from '@ursa/envoy';
import type { ClusterPlace, OutboundPlace } from '@ursa/policy';
import { tagNames } from '@ursa/resources';
import type { Destination } from '../destinations.ts';
import type { Outbound } from '../outbounds.ts';
import { isHttp } from '../protocol.ts';
import type { ProxyClass } from '../proxy-class.ts';

/** An outbound before any policy has seen it. */
export interface OutboundSkeleton {
  readonly place: OutboundPlace;
  readonly clusters: readonly ClusterPlace[];
}

/** Names of an outbound. */
export function outboundNaming({ address, port, destination }: Outbound): OutboundNaming {
  return { address, port, legacyName: destination.legacyName, kri: destination.kri };
}

function destinationCluster(destination: Destination, name: string, proxyClass: ProxyClass): ClusterDraft {
  const { names, facts } = proxyClass;
  const { tls } = destination;
  const secrets = { identity: names.identitySecret(facts.mesh), trust: names.meshCaSecret(facts.mesh) };
  const draft = endpointsCluster(name, tls && meshClientTls(facts.mesh, secrets, tls.identities, tls.sni));
  // Between proxies all HTTP is HTTP/2, whatever the application speaks.
  return { ...draft, httpOptions: upstreamHttp(2) };
}

function outboundChain({ protocol }: Destination, naming: OutboundNaming, proxyClass: ProxyClass): FilterChainDraft {
  const { names } = proxyClass;
  const cluster = names.outboundCluster(naming);
  if (!isHttp(protocol)) {
    const chain = tcpChain(cluster, cluster);
    if (protocol === 'kafka' && proxyClass.kafka) addKafkaStatistics(chain, cluster);
    return chain;
  }
  const routes = routeConfiguration({
    name: names.outboundRoute(naming),
    virtualHost: cluster,
    routes: [prefixRoute({ prefix: '/', cluster, name: catchAllRouteName })],
  });
  const chain = httpChain(cluster, routes, {
    trusted: 'private',
    manager(manager) {
      manager.normalizePath = true;
    },
  });
  if (protocol === 'grpc') addGrpcStatistics(chain);
  return chain;
}

function listenerTags({ kri, legacyName }: Destination): Record<string, string> {
  return kri === undefined ? { [tagNames.service]: legacyName } : { 'kuma.io/unified-name': kri };
}

/** The outbound as a place, and its clusters as places of their own. */
export function outboundSkeleton(outbound: Outbound, proxyClass: ProxyClass): OutboundSkeleton {
  const { destination } = outbound;
  const { facts, names, transparent } = proxyClass;
  const naming = outboundNaming(outbound);
  const name = names.outboundListener(naming);
  const chain = outboundChain(destination, naming, proxyClass);
  const cluster = destinationCluster(destination, names.outboundCluster(naming), proxyClass);
  const listener = listenerDraft({
    name,
    ...(names.unified ? { statPrefix: name } : {}),
    address: socketAddress(outbound.address, outbound.port),
    direction: 'OUTBOUND',
    chains: [chain],
    ...(transparent ? { bindToPort: false } : {}),
    tags: listenerTags(destination),
  });
  const { protocol } = destination;
  return {
    place: { proxy: facts, protocol, listener, chains: [chain], clusters: [cluster] },
    clusters: [{ proxy: facts, protocol, cluster }],
  };
}
