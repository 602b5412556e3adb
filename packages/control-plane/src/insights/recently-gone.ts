// Proxies that are between two connections: connected a moment ago, now to nobody, as far as is written. They send and take traffic, so steps of a mesh
// wait for them, but not for ever.
import type { Collection } from '@ursa/collections';
import { formatResourceKey, type Resource } from '@ursa/resources';
import type { Clock } from '../identity/clock.ts';
import type { LiveResources } from '../store/live-resources.ts';
import { insightTypes, isConnected, type ProxyInsight } from './insight.ts';

/** Who has gone a moment ago. */
export interface RecentlyGone {
  /** By the key of the insight (`formatResourceKey`), in the graph: changes together with the insights. */
  readonly proxies: Pick<Collection<true>, 'get'>;
  stop(): void;
}

/** As long as those who come back are waited for, in milliseconds. */
const defaultPatience = 10_000;
const types: ReadonlySet<string> = new Set(Object.values(insightTypes));

/** Follows the insights: a few comparisons for each that changes, and one timer while somebody has just gone. */
export function openRecentlyGone(live: LiveResources, clock: Clock, patience = defaultPatience): RecentlyGone {
  const proxies = live.graph.source<true>('recently-gone');
  /** Until when they are waited for; who has gone last stands last. */
  const ends = new Map<string, number>();
  let timer: { stop(): void } | undefined;

  const arm = (): void => {
    const [first] = ends.values();
    if (timer === undefined && first !== undefined) timer = clock.at(first, look);
  };
  function look(): void {
    timer = undefined;
    const now = clock.now();
    live.graph.batch(() => {
      for (const [id, end] of ends) {
        if (end > now) break;
        forget(id);
      }
    });
    arm();
  }
  const forget = (id: string): void => {
    if (ends.delete(id)) proxies.delete(id);
  };
  const wait = (id: string, end: number): void => {
    ends.delete(id);
    ends.set(id, end);
    proxies.set(id, true);
  };

  // Those that had gone before this control plane came, by the clock of whoever has written so.
  const now = clock.now();
  const before = [...types]
    .flatMap((type) => live.list(type) as readonly Resource<ProxyInsight>[])
    .map((insight) => ({ id: formatResourceKey(insight), end: Math.min(now, goneAt(insight.spec)) + patience }))
    .filter(({ end }) => end > now)
    .sort((one, other) => one.end - other.end);
  live.graph.batch(() => {
    for (const { id, end } of before) wait(id, end);
  });
  arm();
  const feed = live.onApplying((changes) => {
    for (const { key, before: was, after } of changes) {
      if (!types.has(key.type)) continue;
      const id = formatResourceKey(key);
      const insight = after?.spec as ProxyInsight | undefined;
      if (insight === undefined || isConnected(insight)) forget(id);
      else if (isConnected(was?.spec as ProxyInsight | undefined)) wait(id, clock.now() + patience);
    }
    arm();
  });
  return {
    proxies,
    stop() {
      feed.stop();
      timer?.stop();
      ends.clear();
    },
  };
}

/** When the last connection ended; never when there was none, or one is open. */
function goneAt(insight: ProxyInsight): number {
  const { disconnectTime } = insight.subscriptions.at(-1) ?? {};
  return isConnected(insight) || disconnectTime === undefined ? Number.NEGATIVE_INFINITY : Date.parse(disconnectTime);
}
