// Hooks of policies that have one conf for the whole proxy (`default`), and the places they are shown: all traffic, and the proxy itself.
import type { ClusterDraft, FilterChainDraft, ListenerDraft } from '@ursa/envoy';
import type { ProxyFacts } from './place.ts';

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
  readonly workload: WorkloadFacts;
}

/** Hooks of policies with one conf for the whole proxy; not called where no policy of the type has a `default`. */
export interface ProxyHooks<Conf> {
  /** Called for each inbound and each outbound. */
  traffic?(place: TrafficPlace, conf: Conf): void;
  /** Clusters that the proxy needs besides those of its traffic, such as a collector's. Called once. */
  clusters?(place: ProxyPlace, conf: Conf): readonly ClusterDraft[];
}
