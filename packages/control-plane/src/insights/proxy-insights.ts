// Keeps the insights of connected proxies in the store: changes are gathered and written together, soon when somebody waits for them.
import { randomUUID } from 'node:crypto';
import { type Collection, deepEqual } from '@ursa/collections';
import type { IssuedIdentity, TrustBundle } from '@ursa/engine';
import type { EnvoyType } from '@ursa/envoy';
import {
  formatResourceKey,
  isIdentityReady,
  isKumaDpCompatible,
  type MeshSpec,
  meshIdentityKri,
  type Resource,
  type ResourceKey,
} from '@ursa/resources';
import type { Component } from '../component.ts';
import { keyInType, type LiveResources } from '../store/live-resources.ts';
import type { Store, StoreContent, StoreWrite } from '../store/store.ts';
import { isUnavailable } from '../store/unavailable.ts';
import {
  afterEvent,
  type ConnectionEvent,
  type DiscoveryService,
  insightKeyOf,
  type MtlsInsight,
  noResponses,
  type ProxyCondition,
  type ProxyInsight,
  type ProxySubscription,
  type SubscriptionStatus,
  type SubscriptionVersion,
  serviceOfType,
  withSubscription,
} from './insight.ts';
import { openUnwritten } from './unwritten.ts';

/** What insights are made from. */
export interface ProxyInsightsOptions {
  readonly store: Store;
  readonly live: LiveResources;
  readonly identities: Collection<IssuedIdentity>;
  /** What proxies trust, by mesh. */
  readonly trust: Collection<TrustBundle>;
  /** Meshes whose services outside zone egresses serve. */
  readonly egressMeshes: () => readonly string[];
  readonly instanceId: string;
  /** Of the machine of this control plane; '' when that is not known. */
  readonly machineId: string;
  /** Version of this control plane. */
  readonly ownVersion: string;
  /** Connections kept for each proxy. */
  readonly subscriptionLimit: number;
  /** How long counts may wait to be written. What others wait for does not wait for it: connects, rejections, certificates. */
  readonly flushIntervalMilliseconds: number;
  readonly now?: () => Date;
  readonly onError: (error: unknown) => void;
}

/** One connection, for the server that has it. */
export interface ObservedConnection {
  sent(type: EnvoyType): void;
  acknowledged(type: EnvoyType, resources: readonly string[]): void;
  /** `policies` are those that may be at fault, as `Type/mesh/name`. */
  rejected(type: EnvoyType, message: string, resources: readonly string[], policies: readonly string[]): void;
  /** Whether the proxy has answered for its newest listeners and secrets. Without rejections it takes TLS then, and others may be told. */
  secured(secured: boolean): void;
  disconnected(): void;
}

/** Insights of the proxies that are connected here. Starts before the server that they connect to, and stops after it. */
export interface ProxyInsights extends Component {
  /** `registered`: the proxy has brought its resource along. `machineId`: that of its machine; '' where it did not say. */
  connected(
    proxy: ResourceKey,
    version: SubscriptionVersion,
    facts?: { readonly registered?: boolean; readonly machineId?: string },
  ): ObservedConnection;
  /** What was found wrong with the certificate of a proxy that is connected here, by its key; undefined: nothing. */
  certificate(proxyKey: string, finding: Pick<ProxyCondition, 'reason' | 'message'> | undefined): void;
  /** Says of all connections again that they are open: others may have taken this instance for gone. */
  reassert(): void;
  /** Writes what has not been written yet. */
  flush(): Promise<void>;
  stop(): Promise<void>;
}

// What cannot wait is written this soon, so that many connects at once make few writes.
const promptMilliseconds = 50;
const writesAtOnce = 200;
// How soon what the store did not take is tried again.
const retryMilliseconds = 1_000;

interface Connection {
  readonly proxy: ResourceKey;
  readonly id: string;
  readonly connectTime: string;
  readonly version: SubscriptionVersion;
  readonly registered: boolean;
  readonly sharesMachine: boolean;
  status: SubscriptionStatus;
  secured: boolean;
  disconnectTime: string | undefined;
}

/** Opens the insights of this control plane's proxies. */
export function openProxyInsights(options: ProxyInsightsOptions): ProxyInsights {
  const {
    store,
    live,
    identities,
    trust,
    egressMeshes,
    instanceId,
    machineId: ownMachineId,
    ownVersion,
    subscriptionLimit,
    flushIntervalMilliseconds,
    onError,
  } = options;
  const now = options.now ?? (() => new Date());
  const soon = gather(promptMilliseconds, write);
  const later = gather(flushIntervalMilliseconds, write);
  /** By `mesh/name` of the proxy's resource: thousands may end, or be looked at, together. */
  const open = new Map<string, Set<Connection>>();
  /** Of the proxies that are connected here, what was found at the last look. */
  const conditions = new Map<string, readonly ProxyCondition[]>();
  let writing: Promise<void> = Promise.resolve();
  let busy = false;
  let failing = false;
  let retry: NodeJS.Timeout | undefined;

  let lastTime = { milliseconds: 0, text: new Date(0).toISOString() };
  // A change for all proxies has thousands of events within a few milliseconds.
  const time = (): string => {
    const date = now();
    const milliseconds = date.getTime();
    if (milliseconds !== lastTime.milliseconds) lastTime = { milliseconds, text: date.toISOString() };
    return lastTime.text;
  };

  const touch = (connection: Connection, prompt: boolean): void => {
    // What is written soon takes along what would be written later of the same connection, and of no other.
    if (prompt) {
      later.remove(connection);
      soon.add(connection);
    } else if (!soon.has(connection)) later.add(connection);
  };

  /** The certificate with which the proxy takes TLS, and the backends whose certificates it takes from others. */
  const takenIdentity = (
    { proxy, secured, status }: Connection,
    mesh = proxy.mesh,
    identityKey = keyInType(proxy),
  ): TakenIdentity | undefined => {
    if (!secured || (status.rejections ?? []).some(({ service }) => tellsOfTls(service))) return undefined;
    const identity = identities.get(identityKey);
    if (identity === undefined) return undefined;
    const backends = [...(trust.get(mesh)?.backends ?? []), ...identitiesOf(mesh)];
    return { ...identity, supportedBackends: backends };
  };

  /** The same of a zone egress, by mesh; what was known stays until it has taken another certificate. */
  const meshesOf = (connection: Connection, before: ProxyInsight['meshes'] = {}): ProxyInsight['meshes'] => {
    const { proxy } = connection;
    if (proxy.type !== 'ZoneEgress') return undefined;
    const known = egressMeshes().flatMap((mesh) => {
      const taken = takenIdentity(connection, mesh, `${mesh}/${keyInType(proxy)}`);
      const certificate =
        taken === undefined
          ? before[mesh]
          : { issuedBackend: taken.backend, supportedBackends: taken.supportedBackends };
      return certificate === undefined ? [] : [[mesh, certificate] as const];
    });
    return known.length === 0 ? undefined : Object.fromEntries(known);
  };

  /** True when others must hear of the proxy's certificate: clients begin to speak TLS, or to speak plain text, by what is stored. */
  const hasNews = (connection: Connection): boolean => {
    const { proxy } = connection;
    const stored = live.get(insightKeyOf(proxy))?.spec as ProxyInsight | undefined;
    if (proxy.type === 'ZoneEgress') return !deepEqual(meshesOf(connection, stored?.meshes), stored?.meshes);
    const mTLS = mtlsOf(stored?.mTLS, takenIdentity(connection), secures(proxy.mesh), '');
    const supported = (insight: MtlsInsight | undefined): string => (insight?.supportedBackends ?? []).join();
    return mTLS?.issuedBackend !== stored?.mTLS?.issuedBackend || supported(mTLS) !== supported(stored?.mTLS);
  };

  /** The insight with this connection in it; `before` is the newest known. */
  const compose = (connection: Connection, before: ProxyInsight | undefined): ProxyInsight => {
    const { id, connectTime, version, registered, sharesMachine, status, disconnectTime, proxy } = connection;
    const subscription: ProxySubscription = {
      id,
      controlPlaneInstanceId: instanceId,
      connectTime,
      ...(disconnectTime === undefined ? {} : { disconnectTime }),
      status,
      version,
      ...(registered ? { registered } : {}),
      ...(sharesMachine ? { sharesMachine } : {}),
    };
    const mTLS = mtlsOf(before?.mTLS, takenIdentity(connection), secures(proxy.mesh), time());
    const {
      mTLS: _before,
      meshes: _meshes,
      conditions: known = [],
      ...rest
    } = withSubscription(before, subscription, subscriptionLimit);
    const meshes = meshesOf(connection, before?.meshes);
    const current = mTLS === undefined ? [] : (conditions.get(keyInType(proxy)) ?? known);
    return {
      ...rest,
      ...(mTLS === undefined ? {} : { mTLS }),
      ...(meshes === undefined ? {} : { meshes }),
      ...(current.length === 0 ? {} : { conditions: current }),
    };
  };

  const writesFor = (content: StoreContent, connections: readonly Connection[]): readonly StoreWrite[] => {
    // A proxy that came back has two connections here: its old one and its new one.
    const writes = new Map<string, Extract<StoreWrite, { kind: 'put' }>>();
    for (const connection of connections) {
      // An insight goes with its proxy's resource; one of a proxy that is gone must not come back.
      if (content.get(connection.proxy) === undefined) continue;
      const key = insightKeyOf(connection.proxy);
      const id = formatResourceKey(key);
      const stored = content.get(key) as Resource<ProxyInsight> | undefined;
      const before = (writes.get(id)?.resource.spec as ProxyInsight | undefined) ?? stored?.spec;
      const spec = compose(connection, before);
      writes.set(id, { kind: 'put', resource: { ...key, labels: stored?.labels ?? {}, spec } });
    }
    return [...writes.values()];
  };

  const identitiesOf = (mesh: string): readonly string[] =>
    live.list('MeshIdentity', mesh).filter(isIdentityReady).map(meshIdentityKri).sort();
  const secures = (mesh: string): boolean =>
    (meshOf(mesh)?.mtls?.enabledBackend ?? '') !== '' || identitiesOf(mesh).length > 0;
  const meshOf = (name: string): MeshSpec | undefined =>
    live.get({ type: 'Mesh', mesh: '', name })?.spec as MeshSpec | undefined;

  const unwritten = openUnwritten<Connection>(({ proxy }) => formatResourceKey(proxy), Math.max(1, subscriptionLimit));

  function write(connections: readonly Connection[]): void {
    unwritten.add(connections);
    // One write at a time. Each starts from what is stored: another instance may have the proxy's next connection, or its last one.
    if (!busy) writing = work();
  }

  const work = async (): Promise<void> => {
    busy = true;
    clearTimeout(retry);
    try {
      // What was asked for together is written together.
      await Promise.resolve();
      for (;;) {
        const connections = unwritten.take(writesAtOnce);
        if (connections.length === 0 || !(await attempt(connections))) return;
      }
    } finally {
      busy = false;
    }
  };

  /** False when the store takes nothing now: all of it is tried again later. */
  const attempt = async (connections: readonly Connection[]): Promise<boolean> => {
    try {
      await store.write((content) => writesFor(content, connections));
      failing = false;
      return true;
    } catch (error) {
      const waits = isUnavailable(error);
      if (waits) {
        unwritten.putBack(connections);
        retry = setTimeout(() => write([]), retryMilliseconds).unref();
      }
      // Once for an outage, not once a second.
      if (!failing) onError(error);
      failing = waits;
      return !waits;
    }
  };

  const flush = (): void => {
    later.end();
    soon.end();
  };

  return {
    name: 'proxy-insights',
    async start() {},
    connected(proxy, version, { registered = false, machineId = '' } = {}) {
      const connection: Connection = {
        proxy,
        id: randomUUID(),
        connectTime: time(),
        version: withCompatibility(version, ownVersion),
        registered,
        sharesMachine: machineId !== '' && machineId === ownMachineId,
        status: noResponses,
        secured: false,
        disconnectTime: undefined,
      };
      const proxyKey = keyInType(proxy);
      const siblings = open.get(proxyKey) ?? new Set<Connection>();
      open.set(proxyKey, siblings.add(connection));
      const happened = (event: ConnectionEvent): void => {
        connection.status = afterEvent(connection.status, event, time());
        // What is sent says nothing yet: the proxy's answer to it does.
        const isNews = event.kind === 'acknowledged' && tellsOfTls(event.service) && hasNews(connection);
        touch(connection, event.kind === 'rejected' || isNews);
      };
      touch(connection, true);
      return {
        sent: (type) => happened({ kind: 'sent', service: serviceOfType[type] }),
        acknowledged: (type, resources) => happened({ kind: 'acknowledged', service: serviceOfType[type], resources }),
        rejected: (type, message, resources, policies) =>
          happened({ kind: 'rejected', service: serviceOfType[type], resources, policies, message }),
        secured(secured) {
          connection.secured = secured;
          if (hasNews(connection)) touch(connection, true);
        },
        disconnected() {
          siblings.delete(connection);
          if (siblings.size === 0 && open.get(proxyKey) === siblings) {
            open.delete(proxyKey);
            conditions.delete(proxyKey);
          }
          connection.disconnectTime = time();
          touch(connection, true);
        },
      };
    },
    certificate(proxyKey, finding) {
      const before = conditions.get(proxyKey);
      const [known] = before ?? [];
      if (before !== undefined && known?.reason === finding?.reason) return;
      const connection = [...(open.get(proxyKey) ?? [])].find(({ proxy }) => proxy.type === 'Dataplane');
      if (connection === undefined) return;
      const condition = { type: 'CertificateCurrent', status: 'False', lastTransitionTime: time() } as const;
      conditions.set(proxyKey, finding === undefined ? [] : [{ ...condition, ...finding }]);
      const stored = live.get(insightKeyOf(connection.proxy))?.spec as ProxyInsight | undefined;
      // A proxy that nothing was and is wrong with needs no write to say so.
      if (finding !== undefined || stored?.conditions !== undefined) touch(connection, true);
    },
    reassert() {
      for (const connections of open.values()) for (const connection of connections) touch(connection, true);
    },
    flush() {
      flush();
      return writing;
    },
    async stop() {
      flush();
      await writing;
      clearTimeout(retry);
    },
  };
}

/** True for what a proxy needs to take TLS. Whether it has other things says nothing of its certificate. */
function tellsOfTls(service: DiscoveryService): boolean {
  return service === 'lds' || service === 'sds';
}

function withCompatibility({ kumaDp, ...others }: SubscriptionVersion, ownVersion: string): SubscriptionVersion {
  const kumaCpCompatible = isKumaDpCompatible(kumaDp.version, ownVersion);
  return { ...others, kumaDp: { ...kumaDp, ...(kumaCpCompatible === undefined ? {} : { kumaCpCompatible }) } };
}

/** Connections that wait to be written together. */
interface Gathering {
  add(connection: Connection): void;
  remove(connection: Connection): void;
  has(connection: Connection): boolean;
  /** Gives away at once what waits. */
  end(): void;
}

/** Gives away what was added, that many milliseconds after the first of it. */
function gather(milliseconds: number, give: (connections: readonly Connection[]) => void): Gathering {
  const waiting = new Set<Connection>();
  let timer: NodeJS.Timeout | undefined;
  const end = (): void => {
    clearTimeout(timer);
    timer = undefined;
    const connections = [...waiting];
    waiting.clear();
    if (connections.length > 0) give(connections);
  };
  return {
    add(connection) {
      waiting.add(connection);
      timer ??= setTimeout(end, milliseconds).unref();
    },
    remove: (connection) => void waiting.delete(connection),
    has: (connection) => waiting.has(connection),
    end,
  };
}

interface TakenIdentity extends IssuedIdentity {
  readonly supportedBackends: readonly string[];
}

/** Without mTLS in the mesh and without a MeshIdentity there is none; otherwise what was known stays until the proxy has taken another certificate. */
function mtlsOf(
  before: MtlsInsight | undefined,
  identity: TakenIdentity | undefined,
  secures: boolean,
  time: string,
): MtlsInsight | undefined {
  if (!secures) return undefined;
  if (identity === undefined) return before;
  const renewed = before?.certificateExpirationTime !== identity.notAfter || before.issuedBackend !== identity.backend;
  return {
    certificateExpirationTime: identity.notAfter,
    lastCertificateRegeneration: renewed ? time : before.lastCertificateRegeneration,
    certificateRegenerations: (before?.certificateRegenerations ?? 0) + (renewed ? 1 : 0),
    issuedBackend: identity.backend,
    supportedBackends: identity.supportedBackends,
  };
}
