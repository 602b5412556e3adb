// Deletes the resources of proxies that stay away: of those that brought theirs along soon, of all others after days. For the leader.
import { formatResourceKey, type Resource, type ResourceKey } from '@ursa/resources';
import type { Component } from '../component.ts';
import type { Clock } from '../identity/clock.ts';
import type { Store, StoreContent, StoreWrite } from '../store/store.ts';
import { insightTypes, isConnected, type ProxyInsight } from './insight.ts';

/** What decides who has stayed away for too long. Times in milliseconds. */
export interface OfflineProxiesOptions {
  readonly store: Store;
  readonly clock: Clock;
  /** How long a proxy that brought its resource along may take to come back to any instance. Nobody is deleted sooner after a start either. */
  readonly patience: number;
  /** Ages at which other resources go, by type; 0: never. */
  readonly ages: Readonly<Record<string, number>>;
  readonly log: { info(message: string, fields: Readonly<Record<string, unknown>>): void };
  readonly onError: (error: unknown) => void;
  /** Told how long it took to delete those whose time was up. */
  readonly onSwept?: ((milliseconds: number) => void) | undefined;
}

const resourceTypes = new Map(Object.entries(insightTypes).map(([resource, insight]) => [insight, resource]));
const retryAfter = 30_000;
const mostNamed = 20;

/** The component. One timer, set for the first proxy whose time is up; none while all are online. */
export function offlineProxies(options: OfflineProxiesOptions): Component {
  const { store, clock, patience, ages, log, onError, onSwept } = options;
  const due = new Map<string, { readonly key: ResourceKey; readonly at: number }>();
  let startedAt = 0;
  let timer: { readonly at: number; stop(): void } | undefined;
  let feed: { stop(): void } | undefined;
  let working: Promise<void> = Promise.resolve();

  const dueAt = (resourceType: string, insight: ProxyInsight): number | undefined => {
    const newest = insight.subscriptions.at(-1);
    if (newest === undefined || isConnected(insight)) return undefined;
    const age = newest.registered === true ? patience : (ages[resourceType] ?? 0);
    if (age === 0) return undefined;
    // After a start they all are offline, and on their way back.
    return Math.max((Date.parse(newest.disconnectTime ?? '') || 0) + age, startedAt + patience);
  };
  const note = ({ type, mesh, name }: ResourceKey, insight: Resource | undefined): void => {
    const key = { type: resourceTypes.get(type) ?? '', mesh, name };
    const at = insight === undefined ? undefined : dueAt(key.type, insight.spec as ProxyInsight);
    if (at === undefined) due.delete(formatResourceKey(key));
    else {
      due.set(formatResourceKey(key), { key, at });
      if (timer === undefined || at < timer.at) arm(at);
    }
  };
  const arm = (at: number): void => {
    timer?.stop();
    timer = { at, ...clock.at(at, sweep) };
  };
  function sweep(): void {
    timer = undefined;
    const now = clock.now();
    const over = [...due.values()].filter(({ at }) => at <= now).map(({ key }) => key);
    if (over.length > 0) working = working.then(() => remove(over)).catch((error) => again(over, error));
    armNext(now);
  }
  const armNext = (after: number): void => {
    let next = Number.POSITIVE_INFINITY;
    for (const { at } of due.values()) if (at > after && at < next) next = at;
    if (next !== Number.POSITIVE_INFINITY) arm(next);
  };
  const again = (keys: readonly ResourceKey[], error: unknown): void => {
    onError(error);
    if (feed === undefined) return;
    const at = clock.now() + retryAfter;
    for (const key of keys) if (due.has(formatResourceKey(key))) due.set(formatResourceKey(key), { key, at });
    if (timer === undefined || at < timer.at) arm(at);
  };
  const remove = async (keys: readonly ResourceKey[]): Promise<void> => {
    const stays = (content: StoreContent, { type, mesh, name }: ResourceKey): boolean => {
      const insight = content.get({ type: insightTypes[type] ?? '', mesh, name })?.spec as ProxyInsight | undefined;
      return insight === undefined || isConnected(insight) || content.get({ type, mesh, name }) === undefined;
    };
    const started = performance.now();
    let gone: readonly ResourceKey[] = [];
    await store.write((content) => {
      gone = keys.filter((key) => !stays(content, key));
      return gone.map((key): StoreWrite => ({ kind: 'delete', key }));
    });
    onSwept?.(performance.now() - started);
    for (const key of keys) due.delete(formatResourceKey(key));
    if (gone.length > 0)
      log.info('proxies that stayed away have been deregistered', {
        count: gone.length,
        proxies: gone.slice(0, mostNamed).map(nameOf),
      });
  };

  return {
    name: 'offline-proxies',
    async start() {
      startedAt = clock.now();
      feed = store.changes((changes) => {
        for (const { key, after } of changes) if (resourceTypes.has(key.type)) note(key, after);
      });
    },
    async stop() {
      feed?.stop();
      feed = undefined;
      timer?.stop();
      timer = undefined;
      due.clear();
      await working;
    },
  };
}

function nameOf({ type, mesh, name }: ResourceKey): string {
  return `${type} ${mesh === '' ? '' : `${mesh}/`}${name}`;
}
