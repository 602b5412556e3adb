// Evens out how many proxies each instance has: who has too many sends some away, slowly. Proxies keep their configuration and their traffic meanwhile.
import type { Component } from '../component.ts';
import type { Clock } from '../identity/clock.ts';
import type { Logger } from '../log.ts';
import type { Catalog } from './catalog.ts';

/** What is balanced with. */
export interface BalanceOptions {
  readonly catalog: Pick<Catalog, 'onBeat' | 'self'>;
  readonly clock: Clock;
  /** Milliseconds between two looks; what is sent away is spread over them. */
  readonly interval: number;
  /** Keys of the proxies that are connected here. */
  readonly connected: () => readonly string[];
  readonly sendAway: (proxyKey: string) => void;
  /** From 0 up to 1. */
  readonly random?: () => number;
  readonly log: Logger;
}

// Instances may differ by so much of the mean.
const tolerance = 0.18;
const shareAtOnce = 0.1;
// A proxy that comes back was led here again by chance, or knows no other instance: after so many times it is left alone for so long.
const mostTries = 3;
const spared = 60 * 60_000;

interface Tried {
  readonly times: number;
  /** When it was sent away last, in milliseconds. */
  readonly at: number;
}

/** How many proxies an instance should send away now, by its own count and those of all instances, its own among them. */
export function surplusOf(own: number, counts: readonly number[]): number {
  const mean = counts.reduce((sum, count) => sum + count, 0) / Math.max(1, counts.length);
  const ahead = own - Math.min(...counts);
  // Whole proxies: of three on two instances, one has two.
  if (own <= mean || ahead < 2 || ahead <= mean * tolerance) return 0;
  return Math.min(Math.max(1, Math.floor(own - mean)), Math.ceil(own * shareAtOnce));
}

/** The part. It does something only when an instance has too many proxies. */
export function balance(options: BalanceOptions): Component {
  const { catalog, clock, interval, connected, sendAway, log } = options;
  const random = options.random ?? Math.random;
  const sentAway = new Map<string, Tried>();
  const timers = new Set<{ stop(): void }>();
  let watch: { stop(): void } | undefined;

  const triesOf = (key: string): number => sentAway.get(key)?.times ?? 0;
  /** Those that were sent away least often. */
  const candidates = (): readonly string[] => {
    for (const [key, { at }] of sentAway) if (clock.now() - at >= spared) sentAway.delete(key);
    const keys = connected();
    const fewest = keys.reduce((least, key) => Math.min(least, triesOf(key)), mostTries);
    return fewest === mostTries ? [] : keys.filter((key) => triesOf(key) === fewest);
  };
  const sendOneAway = (): void => {
    const keys = candidates();
    const key = keys[Math.floor(random() * keys.length)];
    if (key === undefined) return;
    sentAway.set(key, { times: triesOf(key) + 1, at: clock.now() });
    sendAway(key);
  };
  const look = (counts: readonly number[]): void => {
    if (timers.size > 0) return;
    const surplus = Math.min(surplusOf(connected().length, counts), candidates().length);
    if (surplus === 0) return;
    log.info('this instance has more proxies than others and sends some away', {
      proxies: connected().length,
      surplus,
    });
    for (let position = 0; position < surplus; position += 1) {
      // At a moment of its own within its share of the interval: others may be doing the same.
      const at = clock.now() + ((position + random()) * interval) / surplus;
      const timer = clock.at(at, () => {
        timers.delete(timer);
        sendOneAway();
      });
      timers.add(timer);
    }
  };

  return {
    name: 'balance',
    async start() {
      watch = catalog.onBeat((living) => {
        if (living.length < 2) return;
        const own = connected().length;
        look(living.map(({ id, proxies }) => (id === catalog.self ? own : proxies)));
      });
    },
    async stop() {
      watch?.stop();
      for (const timer of timers) timer.stop();
      timers.clear();
    },
  };
}
