// Keeps the insights of connected proxies in the store: changes are gathered and written together, soon when somebody waits for them.
import { randomUUID } from 'node:crypto';
import type { Collection } from '@ursa/collections';
import type { IssuedIdentity } from '@ursa/engine';
import type { EnvoyType } from '@ursa/envoy';
import { formatResourceKey, type MeshSpec, type Resource, type ResourceKey } from '@ursa/resources';
import type { Component } from '../component.ts';
import { keyInType, type LiveResources } from '../store/live-resources.ts';
import type { Store, StoreWrite } from '../store/store.ts';
import { isUnavailable } from '../store/unavailable.ts';
import {
  afterEvent,
  type ConnectionEvent,
  disconnected,
  type MtlsInsight,
  noResponses,
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
  readonly instanceId: string;
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

/** Insights of all proxies. Starts before the server that proxies connect to, and stops after it. */
export interface ProxyInsights extends Component {
  /** Ends what a former run of this control plane left open: nobody is online before it has connected. */
  start(): Promise<void>;
  connected(proxy: ResourceKey, version: SubscriptionVersion): ObservedConnection;
  /** Writes what has not been written yet. */
  flush(): Promise<void>;
  stop(): Promise<void>;
}

const insightTypes: Readonly<Record<string, string>> = {
  Dataplane: 'DataplaneInsight',
  ZoneIngress: 'ZoneIngressInsight',
  ZoneEgress: 'ZoneEgressInsight',
};

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
  status: SubscriptionStatus;
  secured: boolean;
  disconnectTime: string | undefined;
}

/** Opens the insights of this control plane's proxies. */
export function openProxyInsights(options: ProxyInsightsOptions): ProxyInsights {
  const { store, live, identities, instanceId, subscriptionLimit, flushIntervalMilliseconds, onError } = options;
  const now = options.now ?? (() => new Date());
  const soon = gather(promptMilliseconds, write);
  const later = gather(flushIntervalMilliseconds, write);
  let writing: Promise<void> = Promise.resolve();
  let busy = false;
  let failing = false;
  let retry: NodeJS.Timeout | undefined;

  const time = (): string => now().toISOString();

  const touch = (connection: Connection, prompt: boolean): void => {
    // What is written soon takes along what would be written later of the same connection, and of no other.
    if (prompt) {
      later.remove(connection);
      soon.add(connection);
    } else if (!soon.has(connection)) later.add(connection);
  };

  const insightKey = ({ type, mesh, name }: ResourceKey): ResourceKey => ({
    type: insightTypes[type] ?? '',
    mesh,
    name,
  });

  /** The certificate with which the proxy takes TLS. */
  const takenIdentity = ({ proxy, secured, status }: Connection): IssuedIdentity | undefined =>
    secured && !(status.rejections ?? []).some(({ service }) => service === 'lds' || service === 'sds')
      ? identities.get(keyInType(proxy))
      : undefined;

  /** True when others must hear of the proxy's certificate: clients begin to speak TLS, or to speak plain text, by what is stored. */
  const hasNews = (connection: Connection): boolean => {
    const { proxy } = connection;
    const stored = live.get(insightKey(proxy))?.spec as ProxyInsight | undefined;
    const mTLS = mtlsOf(stored?.mTLS, takenIdentity(connection), meshOf(proxy.mesh), '');
    return mTLS?.issuedBackend !== stored?.mTLS?.issuedBackend;
  };

  /** The insight with this connection in it; `before` is the newest known. */
  const compose = (connection: Connection, before: ProxyInsight | undefined): ProxyInsight => {
    const { id, connectTime, version, status, disconnectTime, proxy } = connection;
    const subscription: ProxySubscription = {
      id,
      controlPlaneInstanceId: instanceId,
      connectTime,
      ...(disconnectTime === undefined ? {} : { disconnectTime }),
      status,
      version,
    };
    const mTLS = mtlsOf(before?.mTLS, takenIdentity(connection), meshOf(proxy.mesh), time());
    const { mTLS: _before, ...rest } = withSubscription(before, subscription, subscriptionLimit);
    return { ...rest, ...(mTLS === undefined ? {} : { mTLS }) };
  };

  const writesFor = (connections: readonly Connection[]): readonly StoreWrite[] => {
    // A proxy that came back has two connections here: its old one and its new one.
    const writes = new Map<string, Extract<StoreWrite, { kind: 'put' }>>();
    for (const connection of connections) {
      // An insight goes with its proxy's resource; one of a proxy that is gone must not come back.
      if (live.get(connection.proxy) === undefined) continue;
      const key = insightKey(connection.proxy);
      const id = formatResourceKey(key);
      const stored = live.get(key) as Resource<ProxyInsight> | undefined;
      const before = (writes.get(id)?.resource.spec as ProxyInsight | undefined) ?? stored?.spec;
      const spec = compose(connection, before);
      writes.set(id, { kind: 'put', resource: { ...key, labels: stored?.labels ?? {}, spec } });
    }
    return [...writes.values()];
  };

  const meshOf = (name: string): MeshSpec | undefined =>
    live.get({ type: 'Mesh', mesh: '', name })?.spec as MeshSpec | undefined;

  const unwritten = openUnwritten<Connection>(({ proxy }) => formatResourceKey(proxy), Math.max(1, subscriptionLimit));
  const gone = new Map<string, ResourceKey>();

  function write(connections: readonly Connection[]): void {
    unwritten.add(connections);
    // One write at a time: each starts from what the one before it has stored.
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
        const keys = [...gone.values()];
        if (connections.length + keys.length === 0) return;
        gone.clear();
        if (!(await attempt(connections, keys))) return;
      }
    } finally {
      busy = false;
    }
  };

  /** False when the store takes nothing now: all of it is tried again later. */
  const attempt = async (connections: readonly Connection[], keys: readonly ResourceKey[]): Promise<boolean> => {
    try {
      const orphans = keys.filter((key) => live.get(key) === undefined && live.get(insightKey(key)) !== undefined);
      const writes = writesFor(connections);
      if (writes.length > 0) await store.write(writes);
      if (orphans.length > 0) await store.write(orphans.map((key) => ({ kind: 'delete', key: insightKey(key) })));
      failing = false;
      return true;
    } catch (error) {
      const waits = isUnavailable(error);
      if (waits) {
        unwritten.putBack(connections);
        for (const key of keys) gone.set(formatResourceKey(key), key);
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

  // Nobody else deletes insights: they go when their proxy's resource goes.
  const orphan = (key: ResourceKey): void => {
    if (live.get(insightKey(key)) === undefined) return;
    gone.set(formatResourceKey(key), key);
    write([]);
  };
  const feed = store.changes((changes) => {
    for (const { key, after } of changes) if (after === undefined && key.type in insightTypes) orphan(key);
  });

  return {
    name: 'proxy-insights',
    async start() {
      const writes: StoreWrite[] = [];
      for (const type of Object.values(insightTypes)) {
        for (const resource of live.list(type) as readonly Resource<ProxyInsight>[]) {
          const spec = disconnected(resource.spec, time());
          const { mesh, name, labels } = resource;
          if (spec !== resource.spec) writes.push({ kind: 'put', resource: { type, mesh, name, labels, spec } });
        }
      }
      for (let start = 0; start < writes.length; start += writesAtOnce) {
        await store.write(writes.slice(start, start + writesAtOnce));
      }
    },
    connected(proxy, version) {
      const connection: Connection = {
        proxy,
        id: randomUUID(),
        connectTime: time(),
        version,
        status: noResponses,
        secured: false,
        disconnectTime: undefined,
      };
      const happened = (event: ConnectionEvent): void => {
        connection.status = afterEvent(connection.status, event, time());
        touch(connection, event.kind === 'rejected' || hasNews(connection));
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
          connection.disconnectTime = time();
          touch(connection, true);
        },
      };
    },
    flush() {
      flush();
      return writing;
    },
    async stop() {
      feed.stop();
      flush();
      await writing;
      clearTimeout(retry);
    },
  };
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

/** Without mTLS in the mesh there is none; otherwise what was known stays until the proxy has taken another certificate. */
function mtlsOf(
  before: MtlsInsight | undefined,
  identity: IssuedIdentity | undefined,
  mesh: MeshSpec | undefined,
  time: string,
): MtlsInsight | undefined {
  if ((mesh?.mtls?.enabledBackend ?? '') === '') return undefined;
  if (identity === undefined) return before;
  const renewed = before?.certificateExpirationTime !== identity.notAfter || before.issuedBackend !== identity.backend;
  return {
    certificateExpirationTime: identity.notAfter,
    lastCertificateRegeneration: renewed ? time : before.lastCertificateRegeneration,
    certificateRegenerations: (before?.certificateRegenerations ?? 0) + (renewed ? 1 : 0),
    issuedBackend: identity.backend,
    supportedBackends: (mesh?.mtls?.backends ?? []).map((backend) => backend.name ?? '').sort(),
  };
}
