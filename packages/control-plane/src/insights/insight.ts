// The observed state of a proxy, as stored: its connections to the control plane and what became of the configuration it was sent.
// Field names are those of the peers (reference s2, DataplaneInsight); 64-bit counts are decimal strings, as protobuf's JSON has them.
import type { EnvoyType } from '@ursa/envoy';
import type { ResourceKey } from '@ursa/resources';

/** Spec of DataplaneInsight, ZoneIngressInsight and ZoneEgressInsight. */
export interface ProxyInsight {
  /** Oldest first. */
  readonly subscriptions: readonly ProxySubscription[];
  readonly mTLS?: MtlsInsight;
  /** Of a zone egress, which has a certificate in each mesh that it serves: by mesh. Only in Ursa. */
  readonly meshes?: Readonly<Record<string, MeshCertificate>>;
  /** What is wrong with the proxy; absent when nothing is. Only in Ursa. */
  readonly conditions?: readonly ProxyCondition[];
  /** What probes have found. Only in Ursa. */
  readonly inbounds?: readonly InboundHealth[];
}

/** Something that is wrong with a proxy, in the form of other conditions. */
export interface ProxyCondition {
  /** Whether the certificate that Envoy shows is the one that was issued, and good for some time. */
  readonly type: 'CertificateCurrent';
  readonly status: 'False';
  readonly reason: 'Stale' | 'EndsSoon' | 'Ended';
  /** For people. */
  readonly message: string;
  /** RFC 3339. */
  readonly lastTransitionTime: string;
}

/** What the probe of an inbound has found. */
export interface InboundHealth {
  readonly address: string;
  readonly port: number;
  readonly ready: boolean;
  /** RFC 3339. */
  readonly since: string;
  /** Why it is not ready, for people. */
  readonly reason?: string;
}

/** One connection of a proxy. */
export interface ProxySubscription {
  readonly id: string;
  readonly controlPlaneInstanceId: string;
  /** RFC 3339, as all times here. */
  readonly connectTime: string;
  /** Absent while it is connected. */
  readonly disconnectTime?: string;
  readonly status: SubscriptionStatus;
  readonly version: SubscriptionVersion;
  /** The proxy has brought its resource along, which goes when the proxy is gone. Only in Ursa. */
  readonly registered?: boolean;
  /** The proxy runs on the machine of the control plane that has its connection, as both say. Only in Ursa. */
  readonly sharesMachine?: boolean;
}

/** Types of insights by the type of the resource they are about. */
export const insightTypes: Readonly<Record<string, string>> = {
  Dataplane: 'DataplaneInsight',
  ZoneIngress: 'ZoneIngressInsight',
  ZoneEgress: 'ZoneEgressInsight',
};

/** Key of the insight of a proxy's resource. */
export function insightKeyOf({ type, mesh, name }: ResourceKey): ResourceKey {
  return { type: insightTypes[type] ?? '', mesh, name };
}

/** Which programs the proxy consists of. */
export interface SubscriptionVersion {
  readonly kumaDp: {
    readonly version: string;
    readonly gitTag: string;
    readonly gitCommit: string;
    readonly buildDate: string;
    /** Whether it is made for this control plane; absent where its version does not say. */
    readonly kumaCpCompatible?: boolean;
  };
  readonly envoy: { readonly version: string; readonly build: string; readonly kumaDpCompatible?: boolean };
  readonly dependencies: Readonly<Record<string, string>>;
}

/** Short names of the discovery services. */
export type DiscoveryService = 'cds' | 'eds' | 'lds' | 'rds' | 'sds' | 'rtds';

/** What was sent, and how the proxy took it. */
export type SubscriptionStatus = {
  readonly lastUpdateTime?: string;
  readonly total: ResponseCounts;
  /** What the proxy rejects now. Only in Ursa: the peers keep no reason. */
  readonly rejections?: readonly Rejection[];
} & { readonly [Service in DiscoveryService]?: ResponseCounts };

/** Counts of responses; absent means none. */
export interface ResponseCounts {
  readonly responsesSent?: string;
  readonly responsesAcknowledged?: string;
  readonly responsesRejected?: string;
}

/** Configuration that Envoy did not take. */
export interface Rejection {
  readonly service: DiscoveryService;
  /** Names of the Envoy resources it was about. */
  readonly resources: readonly string[];
  /** Policies that may be at fault, as `Type/mesh/name`, the one that was changed last first. */
  readonly policies: readonly string[];
  /** Envoy's own words. */
  readonly message: string;
  readonly time: string;
}

/** The workload certificate a proxy has. */
export interface MtlsInsight extends MeshCertificate {
  readonly certificateExpirationTime: string;
  readonly lastCertificateRegeneration: string;
  readonly certificateRegenerations: number;
}

/** Who has issued a workload certificate, and whom its proxy trusts. */
export interface MeshCertificate {
  readonly issuedBackend: string;
  /** Those whose certificates it takes: its Envoy has answered for what verifies them. Sorted. */
  readonly supportedBackends: readonly string[];
}

/** The discovery service of each type of resource. */
export const serviceOfType: Readonly<Record<EnvoyType, DiscoveryService>> = {
  cluster: 'cds',
  endpoint: 'eds',
  listener: 'lds',
  route: 'rds',
  secret: 'sds',
  runtime: 'rtds',
};

const mostRejections = 20;
const longestMessage = 4096;
const mostResources = 50;

/** An event of a connection. */
export type ConnectionEvent =
  | { readonly kind: 'sent'; readonly service: DiscoveryService }
  | { readonly kind: 'acknowledged'; readonly service: DiscoveryService; readonly resources: readonly string[] }
  | {
      readonly kind: 'rejected';
      readonly service: DiscoveryService;
      readonly resources: readonly string[];
      readonly policies: readonly string[];
      readonly message: string;
    };

const counterOf = {
  sent: 'responsesSent',
  acknowledged: 'responsesAcknowledged',
  rejected: 'responsesRejected',
} as const satisfies Record<ConnectionEvent['kind'], keyof ResponseCounts>;

/** The status of a connection that was just opened. */
export const noResponses: SubscriptionStatus = { total: {}, cds: {}, eds: {}, lds: {}, rds: {} };

const noRejections: readonly Rejection[] = [];

/** The status after an event. */
export function afterEvent(status: SubscriptionStatus, event: ConnectionEvent, time: string): SubscriptionStatus {
  const counter = counterOf[event.kind];
  const before = status.rejections ?? noRejections;
  const rejections = rejectionsAfter(before, event, time);
  const after: SubscriptionStatus = {
    ...status,
    lastUpdateTime: time,
    total: increment(status.total, counter),
    [event.service]: increment(status[event.service] ?? {}, counter),
  };
  if (rejections === before) return after;
  const { rejections: _before, ...rest } = after;
  return rejections.length === 0 ? rest : { ...rest, rejections };
}

function increment(counts: ResponseCounts, counter: keyof ResponseCounts): ResponseCounts {
  return { ...counts, [counter]: String(Number(counts[counter] ?? 0) + 1) };
}

function rejectionsAfter(rejections: readonly Rejection[], event: ConnectionEvent, time: string): readonly Rejection[] {
  if (event.kind === 'sent') return rejections;
  if (event.kind === 'acknowledged' && rejections.length === 0) return rejections;
  // A resource that was sent again and taken, or rejected again, is no longer rejected for the old reason.
  const answered = new Set(event.resources);
  const rest = rejections.filter(
    (rejection) => rejection.service !== event.service || !rejection.resources.some((name) => answered.has(name)),
  );
  if (event.kind === 'acknowledged') return rest;
  const rejection: Rejection = {
    service: event.service,
    resources: event.resources.slice(0, mostResources),
    policies: event.policies,
    message: event.message.slice(0, longestMessage),
    time,
  };
  return [...rest, rejection].slice(-mostRejections);
}

/** True while the proxy is connected to a control plane. */
export function isConnected(insight: ProxyInsight | undefined): boolean {
  return insight?.subscriptions.some((subscription) => subscription.disconnectTime === undefined) ?? false;
}

/** True while the proxy is connected to another control plane than this instance. */
export function isElsewhere(insight: ProxyInsight | undefined, instanceId: string): boolean {
  const subscriptions = insight?.subscriptions ?? [];
  return subscriptions.some(
    ({ disconnectTime, controlPlaneInstanceId }) =>
      disconnectTime === undefined && controlPlaneInstanceId !== instanceId,
  );
}

/**
 * When a proxy, whose connections are given, had its first one to another instance after its last one to this one; milliseconds since 1970 by the clock of
 * that other one. Undefined when it had none.
 */
export function leftAt(subscriptions: ProxyInsight['subscriptions'], instanceId: string): number | undefined {
  const last = subscriptions.findLastIndex(({ controlPlaneInstanceId }) => controlPlaneInstanceId === instanceId);
  const next = last === -1 ? undefined : subscriptions[last + 1];
  return next && Date.parse(next.connectTime);
}

/** The insight with every connection ended that `ends` chooses. The same object when there is none. */
export function disconnected(
  insight: ProxyInsight,
  time: string,
  ends: (subscription: ProxySubscription) => boolean = () => true,
): ProxyInsight {
  const open = (subscription: ProxySubscription): boolean =>
    subscription.disconnectTime === undefined && ends(subscription);
  if (!insight.subscriptions.some(open)) return insight;
  return {
    ...insight,
    subscriptions: insight.subscriptions.map((subscription) =>
      open(subscription) ? { ...subscription, disconnectTime: time } : subscription,
    ),
  };
}

/** The insight with this connection added or brought up to date; of older ones only as many stay as the limit allows. */
export function withSubscription(
  insight: ProxyInsight | undefined,
  subscription: ProxySubscription,
  limit: number,
): ProxyInsight {
  const known = insight?.subscriptions ?? [];
  return { ...insight, subscriptions: placed(known, subscription).slice(-Math.max(1, limit)) };
}

// The newest stands last. Of two instances, the one that lost a connection may tell so after the other has told of the next one.
function placed(known: readonly ProxySubscription[], subscription: ProxySubscription): readonly ProxySubscription[] {
  if (known.some(({ id }) => id === subscription.id))
    return known.map((other) => (other.id === subscription.id ? subscription : other));
  if (subscription.disconnectTime === undefined) return [...known, subscription];
  const later = known.findIndex(({ disconnectTime }) => disconnectTime === undefined);
  return later === -1 ? [...known, subscription] : known.toSpliced(later, 0, subscription);
}
