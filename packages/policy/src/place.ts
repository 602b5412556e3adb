// A place: one spot of a proxy's configuration that a policy may shape. The walk builds places and shows them to each policy with its conf.
import type { ClusterDraft, FilterChainDraft, ListenerDraft, Protocol } from '@ursa/envoy';
import type { Route } from '@ursa/envoy/gen/envoy/config/route/v3/route_components_pb.ts';

/** Facts about the proxy that hold for all its places. */
export interface ProxyFacts {
  readonly mesh: string;
  readonly kind: 'sidecar' | 'delegated-gateway' | 'builtin-gateway' | 'zone-ingress' | 'zone-egress';
  readonly features: readonly string[];
  /** True when the mesh issues workload certificates, so that peers can be identified. */
  readonly mtls: boolean;
  readonly unifiedNaming: boolean;
  /** Tags of the proxy, several values of one joined by commas; only there in hooks of policies with `readsTags`. */
  readonly tags?: Readonly<Record<string, string>>;
}

/** An inbound of the proxy: its listener, the filter chains that serve it (one, or two in PERMISSIVE mode) and the cluster of the application. */
export interface InboundPlace {
  readonly proxy: ProxyFacts;
  readonly protocol: Protocol;
  readonly tags: Readonly<Record<string, string>>;
  readonly listener: ListenerDraft;
  readonly chains: readonly FilterChainDraft[];
  /** The chains on which the client has proven its identity; empty without mTLS. */
  readonly authenticatedChains: readonly FilterChainDraft[];
  readonly cluster: ClusterDraft;
}

/** An outbound of the proxy: the listener for one destination and every cluster its traffic can go to. */
export interface OutboundPlace {
  readonly proxy: ProxyFacts;
  readonly protocol: Protocol;
  readonly listener: ListenerDraft;
  readonly chains: readonly FilterChainDraft[];
  readonly clusters: readonly ClusterDraft[];
}

/**
 * One cluster that traffic of outbounds goes to, shown once with the conf of its own destination: a route of one service may send
 * traffic to the cluster of another.
 */
export interface ClusterPlace {
  readonly proxy: ProxyFacts;
  readonly protocol: Protocol;
  readonly cluster: ClusterDraft;
}

/** One HTTP route of an outbound. */
export interface RoutePlace {
  readonly proxy: ProxyFacts;
  readonly protocol: Protocol;
  readonly route: Route;
  readonly chain: FilterChainDraft;
}
