// Hooks of policies that have one conf for the whole proxy (`default`), and the places they are shown: all traffic, and the proxy itself.
import type { ClusterDraft, FilterChainDraft, ListenerDraft, MeshTls } from '@ursa/envoy';
import type { PassthroughPlace, ProxyFacts, ProxySelf } from './place.ts';

/**
 * Whose proxy it is. Only policies with one conf for the whole proxy see it: what the others shape is shared by the proxies of many
 * workloads.
 */
export interface WorkloadFacts {
  /** Its service as others call it; the Dataplane's name when it serves nothing. */
  readonly service: string;
  readonly zone: string;
  /** KRI of its Workload; undefined when its Dataplane belongs to none. */
  readonly kri: string | undefined;
  /** True when the proxy's own address is an IPv6 address. */
  readonly ipv6: boolean;
}

/** An inbound or an outbound, with the workload whose traffic it carries. */
export interface TrafficPlace {
  readonly proxy: ProxyFacts;
  readonly workload: WorkloadFacts;
  readonly direction: 'inbound' | 'outbound';
  /** Name of the cluster that the traffic goes to when no route says otherwise. */
  readonly destination: string;
  readonly listener: ListenerDraft;
  readonly chains: readonly FilterChainDraft[];
}

/** The proxy itself. */
export interface ProxyPlace {
  readonly proxy: ProxyFacts;
  readonly self: ProxySelf;
  readonly workload: WorkloadFacts;
  /** Values of each tag of its inbounds and its gateway, sorted. */
  readonly tags: Readonly<Record<string, readonly string[]>>;
  /** Files of the certificate with which it serves its metrics; undefined where its kuma-dp was given none. */
  readonly metricsCertificate: CertificateFiles | undefined;
  /** Its mutual TLS; undefined where it speaks plain text. */
  readonly tls: MeshTls | undefined;
  readonly reusePort: boolean;
}

/** Files on the proxy's host, PEM. */
export interface CertificateFiles {
  readonly certificate: string;
  readonly key: string;
}

/** A document for kuma-dp, which Envoy serves on a Unix socket. */
export interface DynamicDocument {
  /** `/dns`, `/meshmetric`. */
  readonly path: string;
  /** JSON. */
  readonly body: string;
  /** What tells this body from others; a hash of the body where it is left out. */
  readonly tag?: string;
}

/** What a proxy gets besides what its traffic needs. */
export interface ProxyAdditions {
  /** Such as a collector's. */
  readonly clusters?: readonly ClusterDraft[];
  readonly listeners?: readonly ListenerDraft[];
  readonly documents?: readonly DynamicDocument[];
  /** What could not be done as the policy says, and what to do about it. */
  readonly warnings?: readonly string[];
}

/** Hooks of policies with one conf for the whole proxy; not called where no policy of the type has a `default`. */
export interface ProxyHooks<Conf> {
  /** Called for each inbound and each outbound. */
  traffic?(place: TrafficPlace, conf: Conf): void;
  /** Called for each listener for traffic to unknown destinations. */
  redirected?(place: PassthroughPlace, conf: Conf): void;
  /** Called once for the proxy itself. */
  proxy?(place: ProxyPlace, conf: Conf): ProxyAdditions;
}
