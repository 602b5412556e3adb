// A place: one spot of a proxy's configuration that a policy may shape. The walk builds places and shows them to each policy with its conf.
import type { ClusterDraft, EndpointLocality, FilterChainDraft, IpFamily, ListenerDraft, Protocol } from '@ursa/envoy';
import type { Route } from '@ursa/envoy/gen/envoy/config/route/v3/route_components_pb.ts';

/** What is true of one proxy only. */
export interface ProxySelf {
  readonly name: string;
  readonly address: string;
  /** The service it is known by; `unknown` when its Dataplane names none. */
  readonly service: string;
  readonly zone: string;
  /** KRI of its Workload; '' when it has none. */
  readonly workload: string;
  /** Folder of its kuma-dp. */
  readonly workdir: string;
}

/** Refers to a MeshOpenTelemetryBackend, by its name or by labels. */
export interface CollectorRef {
  readonly name?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/** A kind of what is sent to OpenTelemetry collectors. */
export type Signal = 'logs' | 'metrics' | 'traces';

/** How TLS is spoken with a collector. All of it are files on the proxy's host. */
export interface CollectorTls {
  /** Authorities that may have signed its certificate. */
  readonly trusted: string;
  /** What the proxy shows of itself. */
  readonly client?: { readonly certificate: string; readonly key: string };
}

/** An OpenTelemetry collector that policies refer to. */
export interface Collector {
  /** Unique in the mesh. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly protocol: 'grpc' | 'http';
  /** What paths at the collector start with; '' for none. Only for HTTP. */
  readonly path: string;
  /** Undefined where plain text is spoken. */
  readonly tls?: CollectorTls;
  /** How long a delivery may take, in milliseconds, where somebody said so. */
  readonly timeout?: number;
}

/** Facts about the proxy that hold for all its places. */
export interface ProxyFacts {
  readonly mesh: string;
  readonly kind: 'sidecar' | 'delegated-gateway' | 'builtin-gateway' | 'zone-ingress' | 'zone-egress';
  readonly features: readonly string[];
  /** True when it speaks mutual TLS, so that peers can be identified. */
  readonly mtls: boolean;
  /** True when its certificate comes from a MeshIdentity: it tells peers by their SPIFFE ID, not by their tags. */
  readonly workloadIdentity: boolean;
  readonly unifiedNaming: boolean;
  /** Always there for inbounds; for outbounds only in hooks of policies with `readsSelf`. */
  readonly self?: ProxySelf;
  /**
   * Finds the collector that a conf refers to, for what is sent there; undefined where there is none. The look-up is remembered: what was
   * shaped by it is shaped anew when the collector changes.
   */
  readonly collectorOf?: (ref: CollectorRef, signal: Signal) => Collector | undefined;
  /** Tags of the proxy, several values of one joined by commas; only there in hooks of policies with `readsTags`. */
  readonly tags?: Readonly<Record<string, string>>;
}

/** An inbound of the proxy: its listener, the filter chains that serve it (one, or two in PERMISSIVE mode) and the cluster of the application. */
export interface InboundPlace {
  readonly proxy: ProxyFacts;
  readonly protocol: Protocol;
  readonly tags: Readonly<Record<string, string>>;
  /** Without name and address: what hooks make of it is shared by all instances of a service. */
  readonly listener: ListenerDraft;
  /** Its name. Where a hook asks for it, or for `proxy.self`, each proxy gets an inbound of its own. */
  readonly listenerName: string;
  readonly chains: readonly FilterChainDraft[];
  /** The chains on which the client has proven its identity; empty without mTLS. */
  readonly authenticatedChains: readonly FilterChainDraft[];
  /** Without the address of the application. */
  readonly cluster: ClusterDraft;
  /** Clusters that what a hook adds is sent to. The same name must mean the same cluster at every place. */
  readonly extraClusters: ClusterDraft[];
}

/** An outbound of the proxy: the listener for one destination and every cluster its traffic can go to. */
export interface OutboundPlace {
  readonly proxy: ProxyFacts;
  readonly protocol: Protocol;
  readonly listener: ListenerDraft;
  readonly chains: readonly FilterChainDraft[];
  readonly clusters: readonly ClusterDraft[];
  /** Name of the destination: of the resource, or of the service. */
  readonly destination: string;
  /** As for inbounds. */
  readonly extraClusters: ClusterDraft[];
}

/** A listener for traffic to destinations that the mesh does not know. */
export interface PassthroughPlace {
  readonly proxy: ProxyFacts;
  readonly family: IpFamily;
  readonly listener: ListenerDraft;
  readonly chains: readonly FilterChainDraft[];
  /** True when traffic that reaches the listener's own chain is let through; policies may change it. */
  open: boolean;
  /** As for inbounds. */
  readonly extraClusters: ClusterDraft[];
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

/**
 * The endpoints of one cluster, in groups by zone. Shared by all proxies of the zone whose `callerTags` are the same; told apart from the
 * cluster, which is not touched when an instance comes or goes.
 */
export interface EndpointsPlace {
  /** Zone of the calling proxy. */
  readonly zone: string;
  /** The tags of the calling proxy that `endpointTags` of policies name; several values of one are joined by commas. */
  readonly callerTags: Readonly<Record<string, string>>;
  localities: readonly EndpointLocality[];
  /** How many times more instances there are than the traffic needs, in percent; undefined for Envoy's 140. */
  overprovisioningFactor: number | undefined;
}

/** One HTTP route of an outbound. */
export interface RoutePlace {
  readonly proxy: ProxyFacts;
  readonly protocol: Protocol;
  readonly route: Route;
  readonly chain: FilterChainDraft;
  /** Name of the outbound's destination. */
  readonly destination: string;
  /** True when the conf is said of the route itself, and not of its destination. */
  readonly ofRoute: boolean;
  /** As for inbounds. */
  readonly extraClusters: ClusterDraft[];
}
