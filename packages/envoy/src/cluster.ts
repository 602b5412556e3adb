// Clusters: drafts for each kind that we use, and packing a draft into its message.
import { create } from '@bufbuild/protobuf';
import {
  type Cluster,
  Cluster_DiscoveryType,
  Cluster_DnsLookupFamily,
  Cluster_LbPolicy,
  ClusterSchema,
} from '../gen/envoy/config/cluster/v3/cluster_pb.ts';
import type { Address } from '../gen/envoy/config/core/v3/address_pb.ts';
import type { TransportSocket } from '../gen/envoy/config/core/v3/base_pb.ts';
import {
  type HttpProtocolOptions,
  HttpProtocolOptionsSchema,
} from '../gen/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.ts';
import type { ClusterDraft } from './draft.ts';
import { aggregatedSource, bindTo, durationOf, pack, socketAddress } from './messages.ts';
import { statName } from './names.ts';

/** Time to connect when no policy says otherwise. */
const connectTimeout = 5000;

/** What every cluster has. */
export interface ClusterBasics {
  readonly name: string;
  /** False for names that are fit for statistics as they are. */
  readonly altStatName: boolean;
}

function basicCluster({ name, altStatName }: ClusterBasics, type: Cluster_DiscoveryType): Cluster {
  return create(ClusterSchema, {
    name,
    altStatName: altStatName ? statName(name) : '',
    clusterDiscoveryType: { case: 'type', value: type },
    connectTimeout: durationOf(connectTimeout),
    circuitBreakers: { thresholds: [{ trackRemaining: true }] },
  });
}

/** A cluster whose endpoints come by EDS under the same name. `altStatName`: true where the name is not fit for statistics. */
export function endpointsCluster(name: string, transportSocket?: TransportSocket, altStatName = false): ClusterDraft {
  const message = basicCluster({ name, altStatName }, Cluster_DiscoveryType.EDS);
  message.edsClusterConfig = {
    $typeName: 'envoy.config.cluster.v3.Cluster.EdsClusterConfig',
    serviceName: '',
    edsConfig: aggregatedSource(),
  };
  if (transportSocket !== undefined) message.transportSocket = transportSocket;
  return { message };
}

/** A cluster with given addresses. `sourceAddress`: where its connections come from. */
export function staticCluster(
  basics: ClusterBasics,
  addresses: readonly Address[],
  sourceAddress?: string,
): ClusterDraft {
  const message = basicCluster(basics, Cluster_DiscoveryType.STATIC);
  if (addresses.length > 0) message.loadAssignment = staticAddresses(basics.name, addresses).loadAssignment;
  if (sourceAddress !== undefined) message.upstreamBindConfig = bindTo(sourceAddress);
  return { message };
}

/** What only says where a cluster with given addresses leads, and where its connections come from. */
export function staticAddresses(clusterName: string, addresses: readonly Address[], sourceAddress?: string): Cluster {
  const lbEndpoints = addresses.map((address) => ({
    hostIdentifier: { case: 'endpoint' as const, value: { address } },
  }));
  return create(ClusterSchema, {
    loadAssignment: { clusterName, endpoints: [{ lbEndpoints }] },
    ...(sourceAddress === undefined ? {} : { upstreamBindConfig: bindTo(sourceAddress) }),
  });
}

/** Other figures with dots, such as 10.0.0.256, are names: as an address Envoy would refuse them. */
const ipv4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;

/** A cluster for one host of the world outside, by its IPv4 or IPv6 address or its name, which is looked up in DNS. */
export function hostNameCluster(basics: ClusterBasics, host: string, port: number): ClusterDraft {
  const draft = staticCluster(basics, [socketAddress(host, port)]);
  if (host.includes(':') || ipv4.test(host)) return draft;
  draft.message.clusterDiscoveryType = { case: 'type', value: Cluster_DiscoveryType.STRICT_DNS };
  draft.message.dnsLookupFamily = Cluster_DnsLookupFamily.V4_ONLY;
  return draft;
}

/** A cluster of one server outside of the mesh, by name or IP address. `ipv6`: where this proxy can reach IPv6 addresses of a name. */
export function serverCluster(
  basics: ClusterBasics,
  { host, port }: { readonly host: string; readonly port: number },
  { ipv6 }: { readonly ipv6: boolean },
): ClusterDraft {
  const draft = hostNameCluster(basics, host, port);
  if (ipv6) draft.message.dnsLookupFamily = Cluster_DnsLookupFamily.AUTO;
  return draft;
}

/** A cluster that sends traffic where it was going. */
export function originalDestinationCluster(basics: ClusterBasics, sourceAddress?: string): ClusterDraft {
  const message = basicCluster(basics, Cluster_DiscoveryType.ORIGINAL_DST);
  message.lbPolicy = Cluster_LbPolicy.CLUSTER_PROVIDED;
  if (sourceAddress !== undefined) message.upstreamBindConfig = bindTo(sourceAddress);
  return { message };
}

/** HTTP towards the upstream, in the given version. */
export function upstreamHttp(version: 1 | 2): HttpProtocolOptions {
  return create(HttpProtocolOptionsSchema, {
    upstreamProtocolOptions: {
      case: 'explicitHttpConfig',
      value: {
        protocolConfig:
          version === 1 ? { case: 'httpProtocolOptions', value: {} } : { case: 'http2ProtocolOptions', value: {} },
      },
    },
  });
}

/** Packs a draft. The draft is spent: its message is the result. */
export function buildCluster(draft: ClusterDraft): Cluster {
  const { message, httpOptions } = draft;
  if (httpOptions !== undefined) {
    message.typedExtensionProtocolOptions['envoy.extensions.upstreams.http.v3.HttpProtocolOptions'] = pack(
      HttpProtocolOptionsSchema,
      httpOptions,
    );
  }
  return message;
}
