// Skeleton of an outbound: the listener for one destination and the cluster its traffic goes to. The same for all proxies of a class.
import {
  addGrpcStatistics,
  addKafkaStatistics,
  catchAllRouteName,
  type EnvoyNames,
  endpointsCluster,
  type FilterChainDraft,
  httpChain,
  listenerDraft,
  meshClientTls,
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

/** Name of a destination's cluster, of its endpoints and of its virtual host. */
export function destinationName({ legacyName, kri }: Destination, names: EnvoyNames): string {
  return names.outboundCluster({ legacyName, kri });
}

/** The cluster of a destination as a place, before any policy has seen it. */
export function clusterSkeleton(destination: Destination, { facts, names }: ProxyClass): ClusterPlace {
  const { tls, protocol } = destination;
  const secrets = { identity: names.identitySecret(facts.mesh), trust: names.meshCaSecret(facts.mesh) };
  const draft = endpointsCluster(
    destinationName(destination, names),
    tls && meshClientTls(facts.mesh, secrets, tls.identities, tls.sni),
  );
  // Between proxies all HTTP is HTTP/2, whatever the application speaks.
  return { proxy: facts, protocol, cluster: { ...draft, httpOptions: upstreamHttp(2) } };
}

function outboundChain(destination: Destination, proxyClass: ProxyClass): FilterChainDraft {
  const { protocol } = destination;
  const { names } = proxyClass;
  const cluster = destinationName(destination, names);
  if (!isHttp(protocol)) {
    const chain = tcpChain(cluster, cluster);
    if (protocol === 'kafka' && proxyClass.kafka) addKafkaStatistics(chain, cluster);
    return chain;
  }
  const routes = routeConfiguration({
    name: names.outboundRoute(destination),
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

/** The outbound as a place, before any policy has seen it. */
export function outboundSkeleton({ address, port, destination }: Outbound, proxyClass: ProxyClass): OutboundPlace {
  const { facts, names, transparent } = proxyClass;
  const { legacyName, kri, protocol } = destination;
  const name = names.outboundListener({ address, port, legacyName, kri });
  const chain = outboundChain(destination, proxyClass);
  const listener = listenerDraft({
    name,
    ...(names.unified ? { statPrefix: name } : {}),
    address: socketAddress(address, port),
    direction: 'OUTBOUND',
    chains: [chain],
    ...(transparent ? { bindToPort: false } : {}),
    tags: listenerTags(destination),
  });
  return { proxy: facts, protocol, listener, chains: [chain], clusters: [] };
}
