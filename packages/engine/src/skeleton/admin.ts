// The admin interface of Envoy behind a listener that only the control plane may use fully, and the readiness of the proxy behind it.
import { create } from '@bufbuild/protobuf';
import {
  adminServerTls,
  buildCluster,
  buildListener,
  type EnvoyNames,
  type EnvoyResource,
  encodeResource,
  type FilterChainDraft,
  httpChain,
  listenerDraft,
  pipeAddress,
  prefixRoute,
  routeConfiguration,
  socketAddress,
  staticCluster,
  tlsInspector,
} from '@ursa/envoy';
import { FilterChainMatchSchema } from '@ursa/envoy/gen/envoy/config/listener/v3/listener_components_pb.ts';
import type { AdminIdentity } from '../engine.ts';

/** Where a proxy's own services listen. */
export interface AdminAddresses {
  /** Socket of Envoy's admin interface; '' where it has a port. */
  readonly socketPath: string;
  readonly port: number;
  readonly readinessPort: number;
  /** True for proxies of a zone, whose own clusters have no limits, as with the peers. */
  readonly ofZone?: boolean;
}

/** Clusters of Envoy's admin interface and of kuma-dp's readiness reporter. */
export function adminClusters(addresses: AdminAddresses, names: EnvoyNames): EnvoyResource[] {
  const { socketPath, port, readinessPort, ofZone = false } = addresses;
  const altStatName = !names.unified;
  const admin = socketPath === '' ? socketAddress('127.0.0.1', port) : pipeAddress(socketPath);
  const readiness = socketAddress('127.0.0.1', readinessPort);
  const own = [
    { name: names.admin, address: admin },
    { name: names.readiness, address: readiness },
  ];
  return own.map(({ name, address }) => {
    const draft = staticCluster({ name, altStatName }, [address]);
    if (ofZone) delete draft.message.circuitBreakers;
    return encodeResource('cluster', buildCluster(draft), 'admin');
  });
}

function adminChain(
  names: EnvoyNames,
  prefixes: readonly { readonly prefix: string; readonly cluster: string }[],
): FilterChainDraft {
  const routes = routeConfiguration({
    virtualHost: names.admin,
    routes: prefixes.map(({ prefix, cluster }) => prefixRoute({ prefix, cluster, prefixRewrite: prefix })),
  });
  return httpChain(names.admin, routes, { trusted: 'local' });
}

/** The admin listener: everything for the control plane, over mTLS; readiness for everybody. */
export function adminListener(parts: {
  readonly address: string;
  readonly port: number;
  readonly identity: AdminIdentity;
  readonly reusePort: boolean;
  readonly names: EnvoyNames;
}): EnvoyResource {
  const { identity, names } = parts;
  const ready = { prefix: '/ready', cluster: names.readiness };
  const secured = adminChain(names, [ready, { prefix: '/', cluster: names.admin }]);
  secured.message.filterChainMatch = create(FilterChainMatchSchema, { transportProtocol: 'tls' });
  secured.message.transportSocket = adminServerTls(identity.certificateChain, identity.privateKey, identity.clientCa);
  const draft = listenerDraft({
    name: names.admin,
    address: socketAddress(parts.address, parts.port),
    direction: 'INBOUND',
    chains: [secured, adminChain(names, [ready])],
    reusePort: parts.reusePort,
  });
  draft.message.listenerFilters.push(tlsInspector());
  return encodeResource('listener', buildListener(draft), 'admin');
}
