// Clusters of servers outside of the mesh: their addresses, priorities and TLS all stand in the cluster, nothing of them comes by EDS.
import { create } from '@bufbuild/protobuf';
import {
  Cluster_DiscoveryType,
  Cluster_DnsLookupFamily,
  type Cluster_TransportSocketMatch,
  Cluster_TransportSocketMatchSchema,
} from '../gen/envoy/config/cluster/v3/cluster_pb.ts';
import type { TransportSocket } from '../gen/envoy/config/core/v3/base_pb.ts';
import {
  type LbEndpoint,
  LbEndpointSchema,
  type LocalityLbEndpoints,
  LocalityLbEndpointsSchema,
} from '../gen/envoy/config/endpoint/v3/endpoint_components_pb.ts';
import { ClusterLoadAssignmentSchema } from '../gen/envoy/config/endpoint/v3/endpoint_pb.ts';
import { type ClusterBasics, staticCluster } from './cluster.ts';
import type { ClusterDraft } from './draft.ts';
import { metadataOf, pipeAddress, socketAddress, sortedRecord } from './messages.ts';

/** One server outside of the mesh. */
export interface OutsideServer {
  /** IP address, host name, or the path of a Unix socket on the proxy's host. */
  readonly address: string;
  /** Undefined for Unix sockets. */
  readonly port: number | undefined;
  /** 0 is used first; undefined where there are no priorities. */
  readonly priority: number | undefined;
  /** True when the address has to be looked up in DNS. */
  readonly named: boolean;
  /** What transport sockets are chosen by. */
  readonly tags: Readonly<Record<string, string>>;
  /** How to speak TLS with it; undefined for plain text. */
  readonly tls: TransportSocket | undefined;
  /** False when its TLS holds for all servers of the cluster. */
  readonly tlsByTags: boolean;
}

function endpointOf({ address, port, tags }: OutsideServer): LbEndpoint {
  const where = port === undefined ? pipeAddress(address) : socketAddress(address, port);
  const metadata =
    Object.keys(tags).length === 0
      ? {}
      : { metadata: metadataOf({ 'envoy.lb': tags, 'envoy.transport_socket_match': tags }) };
  return create(LbEndpointSchema, {
    hostIdentifier: { case: 'endpoint', value: { address: where } },
    loadBalancingWeight: 1,
    ...metadata,
  });
}

/** Envoy counts priorities from 0 without gaps, and takes 128 of them: what is given is taken as an order. */
function localitiesOf(servers: readonly OutsideServer[]): LocalityLbEndpoints[] {
  const groups = [...Map.groupBy(servers, ({ priority }) => priority)].sort(
    ([first = -1], [second = -1]) => first - second,
  );
  return groups.map(([priority, members], rank) =>
    create(LocalityLbEndpointsSchema, {
      ...(priority === undefined ? {} : { locality: { subZone: `priority-${priority}` } }),
      lbEndpoints: members.map(endpointOf),
      priority: rank,
    }),
  );
}

function tlsMatches(servers: readonly OutsideServer[]): Cluster_TransportSocketMatch[] {
  const [first] = servers;
  const secured = servers.filter(({ tls }) => tls !== undefined);
  // One TLS for all needs nothing to be told apart by.
  const told = first?.tlsByTags === true ? secured : secured.slice(0, 1);
  return told.map(({ address, tls, tags, tlsByTags }) =>
    create(Cluster_TransportSocketMatchSchema, {
      name: address,
      ...(tlsByTags ? { match: sortedRecord(tags) } : {}),
      ...(tls === undefined ? {} : { transportSocket: tls }),
    }),
  );
}

/** The cluster of some servers. `ipv6`: where this proxy can reach IPv6 addresses of a name. */
export function outsideCluster(
  basics: ClusterBasics,
  servers: readonly OutsideServer[],
  { ipv6 }: { readonly ipv6: boolean },
): ClusterDraft {
  const draft = staticCluster(basics, []);
  const { message } = draft;
  message.loadAssignment = create(ClusterLoadAssignmentSchema, {
    clusterName: basics.name,
    endpoints: localitiesOf(servers),
  });
  if (servers.some(({ named }) => named)) {
    message.clusterDiscoveryType = { case: 'type', value: Cluster_DiscoveryType.STRICT_DNS };
    message.dnsLookupFamily = ipv6 ? Cluster_DnsLookupFamily.AUTO : Cluster_DnsLookupFamily.V4_ONLY;
  }
  message.transportSocketMatches.push(...tlsMatches(servers));
  return draft;
}
