// Skeleton of a zone egress: one listener with a filter chain for each service outside of the mesh, which clients choose by the server name of
// their mTLS connection, and the cluster behind each.
import { create } from '@bufbuild/protobuf';
import { BoolValueSchema } from '@bufbuild/protobuf/wkt';
import {
  type ClusterBasics,
  type ClusterDraft,
  durationOf,
  type EnvoyNames,
  type FilterChainDraft,
  httpChain,
  type ListenerDraft,
  listenerDraft,
  meshServerTls,
  type OutsideServer,
  outsideCluster,
  type Protocol,
  prefixRoute,
  routeConfiguration,
  socketAddress,
  tcpChain,
  tlsInspector,
  upstreamHttp,
} from '@ursa/envoy';
import { FilterChainMatchSchema } from '@ursa/envoy/gen/envoy/config/listener/v3/listener_components_pb.ts';
import { isHttp } from '../protocol.ts';

/** A service outside of the mesh as an egress serves it. */
export interface EgressService {
  readonly mesh: string;
  /** Whose workloads may be clients, sorted. */
  readonly trustDomains: readonly string[];
  readonly protocol: Protocol;
  readonly cluster: ClusterBasics;
  readonly chain: string;
  readonly routes: string;
  readonly virtualHost: string;
  /** Server name by which clients ask for it. */
  readonly sni: string;
  readonly servers: readonly OutsideServer[];
}

/** Its cluster. `ipv6`: where the egress can reach IPv6 addresses of a name. */
export function egressCluster({ cluster, protocol, servers }: EgressService, ipv6: boolean): ClusterDraft {
  const draft = outsideCluster(cluster, servers, { ipv6 });
  if (!isHttp(protocol)) return draft;
  return { ...draft, httpOptions: upstreamHttp(protocol === 'http' ? 1 : 2) };
}

/** Its filter chain: any workload of its mesh may connect, everybody else is refused in the handshake. */
export function egressChain(service: EgressService, names: EnvoyNames): FilterChainDraft {
  const { mesh, protocol, cluster, virtualHost, routes, sni, trustDomains } = service;
  const chain = isHttp(protocol)
    ? httpChain(virtualHost, routeConfiguration({ name: routes, virtualHost, routes: [toServer(cluster.name)] }), {
        trusted: 'private',
      })
    : tcpChain(virtualHost, cluster.name);
  const { message } = chain;
  message.name = service.chain;
  message.filterChainMatch = create(FilterChainMatchSchema, { transportProtocol: 'tls', serverNames: [sni] });
  const secrets = { identity: names.identitySecret(mesh), trust: names.meshCaSecret(mesh) };
  message.transportSocket = meshServerTls({ secrets, trustDomains });
  return chain;
}

/** Filter chain of a service in other zones. The connection is passed on unopened, to whoever its server name means there. */
export function remoteChain(cluster: string, sni: string): FilterChainDraft {
  const chain = tcpChain(cluster, cluster);
  chain.message.filterChainMatch = create(FilterChainMatchSchema, { transportProtocol: 'tls', serverNames: [sni] });
  return chain;
}

/** How long a request may take is said where it comes from; its server is asked by its own name. */
function toServer(cluster: string) {
  const route = prefixRoute({ prefix: '/', cluster });
  if (route.action.case === 'route') {
    route.action.value.timeout = durationOf(0);
    route.action.value.hostRewriteSpecifier = {
      case: 'autoHostRewrite',
      value: create(BoolValueSchema, { value: true }),
    };
  }
  return route;
}

/** The listener, without chains: they are built apart, each for itself. */
export function egressListener(parts: {
  readonly address: string;
  readonly port: number;
  readonly names: EnvoyNames;
  readonly reusePort: boolean;
}): ListenerDraft {
  const { address, port, names, reusePort } = parts;
  const name = names.egressListener(address, port);
  const draft = listenerDraft({
    name,
    ...(names.unified ? { statPrefix: name } : {}),
    address: socketAddress(address, port),
    direction: 'INBOUND',
    chains: [],
    reusePort,
  });
  draft.message.listenerFilters.push(tlsInspector());
  return draft;
}
