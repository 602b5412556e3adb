// How often one proxy may come. A connection costs a handshake, a registration and a configuration: who comes again and again, or is thrown out
// for breaking the protocol, is kept waiting at the door on the connection he has. Refused, he would only come again.

/** The arrivals of proxies. */
export interface Arrivals {
  /**
   * A proxy comes; resolves when it may come in, at once unless it has come often. False: it came once more meanwhile, and that one counts.
   * `onWait` gets the milliseconds that it has to wait.
   */
  enter(id: string, onWait: (milliseconds: number) => void): Promise<boolean>;
  /** The proxy was thrown out because it broke the protocol. */
  offended(id: string): void;
  /** Proxies that are remembered. */
  readonly size: number;
}

interface Visits {
  /** Arrivals that are not forgotten yet; an offence counts for several. */
  readonly count: number;
  /** Milliseconds: when that was the count. */
  readonly at: number;
}

// Restarts of a proxy, and of what lies between, come in tens a minute at worst.
const freeArrivals = 10;
const forgetOneMilliseconds = 3_000;
const offenceCount = 4;
// Nobody is punished for longer than a minute.
const mostCount = 20;
/** Within the time that a stream has for its introduction. */
const longestWaitMilliseconds = 8_000;

/** Remembers nobody yet. */
export function openArrivals(now: () => number = () => performance.now()): Arrivals {
  // Who was seen longest ago first.
  const records = new Map<string, Visits>();

  const count = (id: string, more: number): number => {
    const time = now();
    for (const [oldest, { at }] of records) {
      if (time - at < mostCount * forgetOneMilliseconds) break;
      records.delete(oldest);
    }
    const { count: before, at } = records.get(id) ?? { count: 0, at: time };
    const left = Math.max(0, before - (time - at) / forgetOneMilliseconds);
    const after = Math.min(mostCount, left + more);
    records.delete(id);
    records.set(id, { count: after, at: time });
    return after;
  };

  const waiting = new Map<string, (itsTurn: boolean) => void>();

  return {
    enter(id, onWait) {
      waiting.get(id)?.(false);
      const over = count(id, 1) - freeArrivals;
      if (over <= 0) return Promise.resolve(true);
      const milliseconds = Math.min(longestWaitMilliseconds, over * forgetOneMilliseconds);
      onWait(milliseconds);
      return new Promise((resolve) => {
        const timer = setTimeout(() => settle(true), milliseconds).unref();
        const settle = (itsTurn: boolean): void => {
          clearTimeout(timer);
          waiting.delete(id);
          resolve(itsTurn);
        };
        waiting.set(id, settle);
      });
    },
    offended: (id) => void count(id, offenceCount),
    get size() {
      return records.size;
    },
  };
}
