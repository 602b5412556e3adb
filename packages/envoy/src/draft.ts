// Envoy resources while they are being shaped: typed messages whose nested parts are not packed into Any yet, so that policies can change them.
import type { Cluster } from '../gen/envoy/config/cluster/v3/cluster_pb.ts';
import type { Filter, FilterChain } from '../gen/envoy/config/listener/v3/listener_components_pb.ts';
import type { Listener } from '../gen/envoy/config/listener/v3/listener_pb.ts';
import type { RouteConfiguration } from '../gen/envoy/config/route/v3/route_pb.ts';
import type {
  HttpConnectionManager,
  HttpFilter,
} from '../gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts';
import type { TcpProxy } from '../gen/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.ts';
import type { HttpProtocolOptions } from '../gen/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.ts';
import type { Origin } from './resource.ts';

/** Protocols an inbound or a service port can have (feature C13). `unknown`: nobody has said; it is carried like TCP. */
export type Protocol = 'tcp' | 'tls' | 'http' | 'http2' | 'grpc' | 'kafka' | 'unknown';

/** A cluster in the making. `httpOptions` is packed into it by `buildCluster` when present. */
export interface ClusterDraft {
  readonly message: Cluster;
  /** What it is there for, where that is not what its place is there for. */
  origin?: Origin;
  httpOptions?: HttpProtocolOptions;
}

/**
 * Where a filter stands in its chain; filters of one stage keep the order in which they were added. The terminal filter (router or
 * TCP proxy) comes after all stages.
 */
export type FilterStage =
  | 'fault'
  | 'accessLog'
  | 'authentication'
  | 'authorization'
  | 'rateLimit'
  | 'protocol'
  | 'route';

/** A filter chain in the making: HTTP chains end in a router, TCP chains in a TCP proxy. */
export interface FilterChainDraft {
  readonly message: FilterChain;
  readonly networkFilters: { readonly stage: FilterStage; readonly filter: Filter }[];
  readonly terminal: HttpTerminal | TcpTerminal;
}

/** The end of an HTTP chain. */
export interface HttpTerminal {
  readonly kind: 'http';
  readonly manager: HttpConnectionManager;
  readonly httpFilters: { readonly stage: FilterStage; readonly filter: HttpFilter }[];
  /** Inline route configuration; policies for routes work on its virtual hosts. */
  readonly routes: RouteConfiguration;
}

/** The end of a TCP chain. */
export interface TcpTerminal {
  readonly kind: 'tcp';
  readonly proxy: TcpProxy;
}

/** A listener in the making. */
export interface ListenerDraft {
  readonly message: Listener;
  /** As for clusters. */
  origin?: Origin;
  readonly chains: FilterChainDraft[];
}
