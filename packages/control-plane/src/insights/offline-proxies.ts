// Deletes the resources of proxies that stay away: of those that brought theirs along soon, but not while most of them are missing (decision 0303); of all others
// after days. For the leader.
import { formatResourceKey, type ResourceKey } from '@ursa/resources';
import type { Component } from '../component.ts';
import type { Clock } from '../identity/clock.ts';
import { isOutage, openAttendance } from '../instances/outage.ts';
import type { Store, StoreContent, StoreWrite } from '../store/store.ts';
import { insightTypes, isConnected, type ProxyInsight } from './insight.ts';

/** What decides who has stayed away for too long. Times in milliseconds. */
export interface OfflineProxiesOptions {
  readonly store: Store;
  readonly clock: Clock;
  /** How long a proxy that brought its resource along may take to come back to any instance. Nobody is deleted sooner after a start either. */
  readonly patience: number;
  /** Ages at which other resources go, by type, and those of proxies that were spared while most were missing; 0: never. */
  readonly ages: Readonly<Record<string, number>>;
  /** Whether nobody misses the proxy: it starts, or has said goodbye. */
  readonly isExcused?: (proxy: ResourceKey) => boolean;
  readonly log: {
    info(message: string, fields: Readonly<Record<string, unknown>>): void;
    warn(message: string, fields: Readonly<Record<string, unknown>>): void;
  };
  readonly onError: (error: unknown) => void;
  /** Told how long it took to delete those whose time was up. */
  readonly onSwept?: ((milliseconds: number) => void) | undefined;
}

interface Due {
  readonly key: ResourceKey;
  at: number;
  /** When it goes even while most are missing. */
  readonly latest: number;
  /** Most were missing at its time. */
  isSpared: boolean;
}

const resourceTypes = new Map(Object.entries(insightTypes).map(([resource, insight]) => [insight, resource]));
const retryAfter = 30_000;
const mostNamed = 20;

/** The component. One timer, set for the first proxy whose time is up; none while all are online. */
export function offlineProxies(options: OfflineProxiesOptions): Component {
  const { store, clock, patience, ages, isExcused = () => false, log, onError, onSwept } = options;
  const due = new Map<string, Due>();
  const attendance = openAttendance();
  let spares = false;
  let startedAt = 0;
  let timer: { readonly at: number; stop(): void } | undefined;
  let feed: { stop(): void } | undefined;
  let working: Promise<void> = Promise.resolve();

  const isRegistered = ({ subscriptions }: ProxyInsight): boolean => subscriptions.at(-1)?.registered === true;
  const dueOf = (key: ResourceKey, insight: ProxyInsight | undefined): Due | undefined => {
    const newest = insight?.subscriptions.at(-1);
    if (insight === undefined || newest === undefined || isConnected(insight)) return undefined;
    const after = (age: number): number =>
      // After a start they all are offline, and on their way back.
      Math.max((Date.parse(newest.disconnectTime ?? '') || 0) + age, startedAt + patience);
    const age = ages[key.type] ?? 0;
    const latest = age === 0 ? Number.POSITIVE_INFINITY : after(age);
    const at = isRegistered(insight) ? after(patience) : latest;
    return at === Number.POSITIVE_INFINITY ? undefined : { key, at, latest, isSpared: false };
  };
  const note = ({ type, mesh, name }: ResourceKey, insight: ProxyInsight | undefined): void => {
    const key = { type: resourceTypes.get(type) ?? '', mesh, name };
    const id = formatResourceKey(key);
    const isMissing = insight !== undefined && isRegistered(insight) && !isExcused(key);
    attendance.note(id, isConnected(insight) ? 'there' : isMissing ? 'missing' : 'uncounted');
    const next = dueOf(key, insight);
    if (next === undefined) due.delete(id);
    else {
      due.set(id, next);
      armBy(next.at);
    }
    if (spares && !isOutage(attendance)) outageEnds();
  };
  /** Those that were spared are given the time in which a proxy that lives comes back (decision 0279). */
  const outageEnds = (): void => {
    spares = false;
    const at = clock.now() + patience;
    for (const each of due.values()) if (each.isSpared) Object.assign(each, { at, isSpared: false });
    armBy(at);
  };
  const armBy = (at: number): void => {
    if (timer === undefined || at < timer.at) arm(at);
  };
  const arm = (at: number): void => {
    timer?.stop();
    timer = { at, ...clock.at(at, sweep) };
  };
  function sweep(): void {
    timer = undefined;
    const now = clock.now();
    const over = [...due.values()].filter(({ at }) => at <= now);
    const isSpared = ({ key, latest }: Due): boolean => isOutage(attendance) && latest > now && !isExcused(key);
    const spared = over.filter(isSpared);
    for (const each of spared) Object.assign(each, { at: each.latest, isSpared: true });
    if (spared.length > 0 && !spares) tellOutage();
    const gone = over.filter((each) => !isSpared(each)).map(({ key }) => key);
    if (gone.length > 0) working = working.then(() => remove(gone)).catch((error) => again(gone, error));
    armNext(now);
  }
  const tellOutage = (): void => {
    spares = true;
    const { missing, there: online } = attendance;
    log.warn(
      'most proxies are missing: it may be the network, so none of them is deregistered before most are back; `kumactl delete dataplane` deletes who is gone for good',
      { missing, online },
    );
  };
  const armNext = (after: number): void => {
    let next = Number.POSITIVE_INFINITY;
    for (const { at } of due.values()) if (at > after && at < next) next = at;
    if (next !== Number.POSITIVE_INFINITY) arm(next);
  };
  const again = (keys: readonly ResourceKey[], error: unknown): void => {
    onError(error);
    if (feed === undefined) return;
    const at = clock.now() + retryAfter;
    for (const key of keys) {
      const each = due.get(formatResourceKey(key));
      if (each !== undefined) each.at = at;
    }
    armBy(at);
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
        for (const { key, after } of changes)
          if (resourceTypes.has(key.type)) note(key, after?.spec as ProxyInsight | undefined);
      });
    },
    async stop() {
      feed?.stop();
      feed = undefined;
      timer?.stop();
      timer = undefined;
      due.clear();
      attendance.clear();
      spares = false;
      await working;
    },
  };
}

function nameOf({ type, mesh, name }: ResourceKey): string {
  return `${type} ${mesh === '' ? '' : `${mesh}/`}${name}`;
}
