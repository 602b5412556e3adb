// Who is connected: lets proxies in, keeps their configuration flowing, and notices when they go.
import type { Source, Watch } from '@ursa/collections';
import { type ConnectedProxy, type Engine, type ProxyConfig, proxyKeyOf, type RefusedResource } from '@ursa/engine';
import type { EnvoyType } from '@ursa/envoy';
import { MeshError, type Resource, type ResourceKey } from '@ursa/resources';
import { type GrpcCall, type GrpcOutcome, grpcStatus } from '../delta/grpc/index.ts';
import type { LiveResources } from '../store/live-resources.ts';
import { type AdsObserver, type AdsProtocol, type AdsStream, outcomeOf } from './ads-stream.ts';
import type { Arrivals } from './arrivals.ts';
import { openConfigWarnings } from './config-warnings.ts';
import { type Delivery, followDelivery } from './delivery.ts';
import type { MemoryGuard } from './memory-guard.ts';
import type { Propagation, Waiter } from './propagation.ts';
import type { ProvenProxy, ProxyAuthentication } from './proxy-authentication.ts';
import { openProxyEntries } from './proxy-entries.ts';
import type { ProxyNode, ProxyVersion } from './proxy-node.ts';
import { openPushQueue } from './push-queue.ts';
import { type Registration, resourceKeyOf } from './registration.ts';
import { policiesBehind } from './rejection.ts';
import { openRollout, type ProxyDelivery, type Rollout } from './rollout.ts';
import type { XdsMetrics } from './xds-metrics.ts';

/** Who is told what becomes of a connection. */
export interface ConnectionObserver {
  connected(proxy: ResourceKey, version: ProxyVersion, facts: ConnectionFacts): ObservedConnection;
}

/** What else is known of a connection. */
export interface ConnectionFacts {
  /** The proxy has brought its resource along. */
  readonly registered: boolean;
  /** Of the proxy's machine; '' where it did not say. */
  readonly machineId: string;
}

/** One connection, as told to its observer. */
export interface ObservedConnection {
  sent(type: EnvoyType): void;
  acknowledged(type: EnvoyType, resources: readonly string[]): void;
  /** Names of the resources it is about, and the policies that may be at fault, as `Type/mesh/name`. */
  rejected(type: EnvoyType, message: string, resources: readonly string[], policies: readonly string[]): void;
  /** Whether the proxy has answered for its newest listeners and secrets, with which it can take TLS. */
  secured(secured: boolean): void;
  disconnected(): void;
}

/** An update that a proxy did not take. */
export interface RefusedUpdate {
  /** Its key (`proxyKeyOf`). */
  readonly proxy: string;
  readonly envoyVersion: string;
  /** Envoy's own words. */
  readonly message: string;
  /** The resources that Envoy named. */
  readonly resources: readonly RefusedResource[];
}

/** Who finds out why updates are refused. */
export interface RefusalObserver {
  refused(update: RefusedUpdate): void;
  /** The proxy has taken these resources. */
  accepted(proxyKey: string, type: EnvoyType, resources: readonly string[]): void;
}

/** Where connects, disconnects and rejections are logged, and bugs of ours. */
export interface DpServerLog {
  error(message: string, fields: Readonly<Record<string, unknown>>): void;
  info(message: string, fields: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields: Readonly<Record<string, unknown>>): void;
}

/** What connections are made of. */
export interface ConnectedProxiesOptions {
  readonly authentication: ProxyAuthentication;
  readonly registration: Registration;
  readonly live: LiveResources;
  /** Where connected proxies are entered; the engine reads it. */
  readonly proxies: Source<ConnectedProxy>;
  readonly engine: Pick<Engine, 'config' | 'rules'>;
  /** Resolves when a proxy that was entered has its certificates, or will get none: its first configuration is then complete. */
  readonly certified?: ((proxyKey: string) => Promise<void>) | undefined;
  /** True while a proxy should have a certificate that it does not have yet. */
  readonly awaitsCertificate?: ((proxyKey: string) => boolean) | undefined;
  /** Meshes whose services outside zone egresses serve. */
  readonly egressMeshes?: (() => readonly string[]) | undefined;
  readonly memory: MemoryGuard;
  readonly arrivals: Arrivals;
  readonly observer: ConnectionObserver;
  readonly refusals?: RefusalObserver | undefined;
  readonly metrics?: XdsMetrics | undefined;
  readonly propagation?: Propagation | undefined;
  readonly log: DpServerLog;
}

/** The proxies that are connected here. */
export interface ConnectedProxies {
  /** What a new stream reports to. */
  observe(protocol: AdsProtocol): AdsObserver;
  /** Keys (`proxyKeyOf`), sorted. */
  keys(): readonly string[];
  /** Ends the connection of a proxy so that it comes back over a new one, to another instance if it knows one. */
  sendAway(key: string): void;
  /** Proxies that have something to be sent and wait for their turn. */
  queued(): number;
  /** How far they have come with a change. */
  readonly rollout: Rollout;
}

interface Connection {
  readonly key: string;
  readonly node: ProxyNode;
  readonly stream: AdsStream;
  readonly observed: ObservedConnection;
  readonly delivery: Delivery;
  readonly waiter: Waiter | undefined;
  readonly watches: { stop(): void }[];
  /** It was asked to connect to another instance. */
  sentAway: boolean;
}

function deliveryTo({ key, node, delivery }: Connection): ProxyDelivery {
  return { key, proxy: resourceKeyOf(node.proxy), delivery };
}

/** Opens the set of connected proxies, empty. */
export function openConnectedProxies(options: ConnectedProxiesOptions): ConnectedProxies {
  const { authentication, registration, arrivals, live, engine, observer, metrics, log } = options;
  const queue = openPushQueue<AdsStream>({ run: (stream) => stream.flush(), finish: (stream) => stream.finish() });
  const entries = openProxyEntries(live.graph, options.proxies, (error) =>
    log.error('proxies that came or went could not be entered everywhere', { error }),
  );
  const connections = new Map<string, Connection>();
  const warnings = openConfigWarnings(log);
  const progress = new Set<() => void>();
  const { propagation } = options;
  if (propagation !== undefined) live.onApplied((revision) => propagation.applied(revision));
  const tellProgress = (): void => {
    for (const listener of progress) listener();
  };

  const connect = (node: ProxyNode, proven: ProvenProxy, stream: AdsStream): Connection => {
    const resourceKey = resourceKeyOf(node.proxy);
    const key = proxyKeyOf(node.proxy);
    // A proxy whose connection broke comes back before we notice; the newest connection is the one that works.
    const older = connections.get(key);
    older?.stream.end(replaced(node));
    const delivery = followDelivery(Date.now);
    const waiter = propagation?.waiter();
    const gate = watchResource(live, resourceKey, proven);
    const offer = (config: ProxyConfig | undefined): void => {
      const refused = gate();
      if (refused !== undefined) stream.end(outcomeOf(refused));
      // While its mesh is gone, a proxy keeps what it has.
      else if (config !== undefined) {
        warnings.report(key, config.warnings);
        delivery.offered(live.revision(), config.resources);
        waiter?.offered(live.revision());
        metrics?.offered(resourceKey.mesh, config);
        stream.offer(config.resources);
        queue.add(stream);
      }
    };
    const observed = observer.connected(resourceKey, node.version, {
      registered: node.resource !== undefined,
      machineId: node.machineId,
    });
    const token = proven.watch((reason) => stream.end({ code: grpcStatus.unauthenticated, message: reason }));
    const connection: Connection = { key, node, stream, observed, delivery, waiter, watches: [token], sentAway: false };
    connections.set(key, connection);
    const follow = (): void => {
      if (connections.get(key) !== connection) return;
      try {
        const config: Watch<ProxyConfig | undefined> = live.graph.watch(engine.config, [key], offer);
        connection.watches.push(config);
        offer(config.value);
      } catch (error) {
        log.error('the configuration of a proxy could not be worked out', { proxy: node.id, error });
        stream.end(outcomeOf(error));
      }
    };
    entries.enter(key, node.proxy, () => {
      if (options.certified === undefined) follow();
      else void options.certified(key).then(follow, follow);
    });
    return connection;
  };

  const disconnect = ({ key, node, stream, observed, watches, waiter, sentAway }: Connection): void => {
    for (const watch of watches) watch.stop();
    waiter?.gone();
    queue.remove(stream);
    observed.disconnected();
    log.info('proxy disconnected', { proxy: node.id });
    if (connections.get(key)?.stream !== stream) return;
    connections.delete(key);
    warnings.forget(key);
    entries.leave(key);
    registration.gone(node, {
      isBack: () => connections.has(key),
      connected: () => connections.size,
      sentAway,
    });
    tellProgress();
  };

  return {
    observe(protocol) {
      let connection: Connection | undefined;
      let gone = false;
      return {
        async admit(node, call: GrpcCall, stream) {
          try {
            const shortage = options.memory.shortage();
            if (shortage !== undefined) {
              // A connection that stays costs as much native memory as a proxy does, and would lead the next attempt here again.
              call.sendAway({ code: grpcStatus.unavailable, message: shortage });
              throw new MeshError('unavailable', shortage);
            }
            const proven = await authentication.verify(node.proxy, call.header('authorization'));
            // Who is not the proxy must not make it wait: after the token.
            const itsTurn = await arrivals.enter(node.id, (milliseconds) =>
              log.warn('a proxy comes too often and is let in later', { proxy: node.id, milliseconds }),
            );
            if (!itsTurn) call.end(replaced(node));
            if (!itsTurn || gone) throw new MeshError('unavailable', 'the proxy went away');
            await registration.register(node, proven);
            if (gone) throw new MeshError('unavailable', 'the proxy went away');
            connection = connect(node, proven, stream);
            log.info('proxy connected', { proxy: node.id, protocol });
          } catch (error) {
            if (!gone) log.warn('proxy refused', { proxy: node.id, ...reasonOf(error) });
            throw error;
          }
        },
        sent(type, bytes) {
          metrics?.sent(type, bytes);
          connection?.waiter?.sent(bytes);
          connection?.delivery.sent(type);
          connection?.observed.sent(type);
        },
        acknowledged(type, resources) {
          metrics?.answered(type, true);
          if (connection === undefined) return;
          connection.delivery.acknowledged(type, resources);
          connection.observed.acknowledged(type, resources);
          options.refusals?.accepted(connection.key, type, resources);
        },
        rejected(type, message, versions) {
          metrics?.answered(type, false);
          if (connection === undefined) return;
          connection.waiter?.refused();
          const resources = [...versions.keys()];
          const policies = policiesBehind(engine.rules.get(connection.key), resources);
          connection.delivery.rejected(type, resources, message);
          connection.observed.rejected(type, message, resources, policies);
          options.refusals?.refused({
            proxy: connection.key,
            envoyVersion: connection.node.proxy.envoyVersion,
            message,
            resources: resources.map((name) => ({ type, name, version: versions.get(name) ?? '' })),
          });
          const { id } = connection.node;
          log.warn('proxy rejected its configuration', { proxy: id, type, resources, policies, reason: message });
        },
        flushed(inFlight) {
          if (connection === undefined) return;
          const { delivery, stream, waiter } = connection;
          const { since } = delivery;
          if (stream.hasRest) queue.postpone(stream);
          if (!delivery.flushed(inFlight)) return;
          waiter?.answered(delivery.outstanding);
          if (delivery.outstanding === undefined) metrics?.delivered(Date.now() - since);
          tellProgress();
        },
        offended() {
          if (connection !== undefined) arrivals.offended(connection.node.id);
        },
        secured: (secured) => connection?.observed.secured(secured),
        closed() {
          gone = true;
          if (connection !== undefined) disconnect(connection);
        },
      };
    },
    keys: () => [...connections.keys()].sort(),
    sendAway(key) {
      const message = 'this control plane has more proxies than others: connect to another one';
      const connection = connections.get(key);
      if (connection === undefined) return;
      connection.sentAway = true;
      connection.stream.sendAway({ code: grpcStatus.unavailable, message });
    },
    queued: () => queue.size,
    rollout: openRollout({
      processed: () => live.revision(),
      egressMeshes: () => options.egressMeshes?.() ?? [],
      *deliveries() {
        for (const connection of connections.values()) yield deliveryTo(connection);
      },
      deliveryOf(key) {
        const connection = connections.get(key);
        return connection && deliveryTo(connection);
      },
      awaitsCertificate: (key) => options.awaitsCertificate?.(key) ?? false,
      onProgress(listener) {
        progress.add(listener);
        const applied = live.onApplied(listener);
        return {
          stop() {
            progress.delete(listener);
            applied.stop();
          },
        };
      },
    }),
  };
}

/** Makes a check to be asked whenever the configuration changes: why the proxy may not stay, because its resource is gone or another. */
function watchResource(live: LiveResources, key: ResourceKey, proven: ProvenProxy): () => unknown {
  let checked: Resource | undefined = live.get(key);
  return () => {
    const resource = live.get(key);
    if (resource === checked && resource !== undefined) return undefined;
    if (resource === undefined) return new MeshError('not-found', `the ${key.type} "${key.name}" was deleted`);
    checked = resource;
    try {
      proven.check(resource);
      return undefined;
    } catch (error) {
      return error;
    }
  };
}

/** How the older of two connections of a proxy ends. */
function replaced({ id }: ProxyNode): GrpcOutcome {
  return { code: grpcStatus.aborted, message: `another proxy has connected as "${id}"` };
}

/** What the proxy is told; of a bug, which it is not told of, all that is known. */
function reasonOf(error: unknown): { readonly reason: string; readonly error?: unknown } {
  const reason = outcomeOf(error).message;
  return error instanceof MeshError ? { reason } : { reason, error };
}
