// Follows each change of the store until every connected proxy that it concerns has answered. What is kept is one small record per change on
// its way, and nothing once it has arrived; only the newest changes are followed, so that a proxy which never answers costs nothing more.

/** A change on its way, or arrived. */
export interface PropagatedChange {
  /** The last revision of it. */
  readonly revision: number;
  /** Proxies that it concerns. */
  readonly proxies: number;
  /** Proxies that refused something of it. */
  readonly refused: number;
  /** Proxies that went away before they had answered. */
  readonly gone: number;
  /** Milliseconds from the beginning of the write to the last answer. */
  readonly milliseconds: number;
}

/** Hears what becomes of changes. */
export interface PropagationObserver {
  /** All proxies that it concerns have answered. Not called for a change that concerns none. */
  arrived(change: PropagatedChange): void;
  /** A response goes out to a proxy that the change concerns; `proxy` is the same object for the same connection. */
  pushed?(revision: number, bytes: number, proxy: object): void;
  /** A change was worked out, and concerns so many proxies. */
  applied?(revision: number, proxies: number): void;
}

/** What of changes one connection still has to answer for. */
export interface Waiter {
  /** The change that is being worked out concerns the proxy. */
  offered(revision: number): void;
  /** A response goes out to it. */
  sent(bytes: number): void;
  refused(): void;
  /** The proxy has answered; `outstanding` is the first revision it has not answered for, undefined when there is none. */
  answered(outstanding: number | undefined): void;
  gone(): void;
}

/** Follows changes. */
export interface Propagation {
  waiter(): Waiter;
  /** A change of the store is worked out for all proxies. */
  applied(revision: number): void;
  /** When the write began that led to a revision, by the clock of `now`; without it a change begins when it is worked out. */
  written(revision: number, started: number): void;
  /** Changes that are on their way. */
  underway(): number;
}

interface Followed {
  readonly revision: number;
  started: number;
  proxies: number;
  waiting: number;
  refused: number;
  gone: number;
}

// A connection that has not answered for so many changes is followed for the newest of them.
const mostFollowed = 64;

/** Follows nothing yet. `now` in milliseconds, of any clock. */
export function followPropagation(
  observer: PropagationObserver,
  now: () => number = () => performance.now(),
): Propagation {
  const underway = new Set<Followed>();
  let current: Followed | undefined;
  let lastApplied = 0;

  const conclude = (change: Followed): void => {
    if (change.waiting > 0 || change === current || !underway.delete(change)) return;
    const { revision, proxies, refused, gone, started } = change;
    observer.arrived({ revision, proxies, refused, gone, milliseconds: now() - started });
  };
  const leave = (change: Followed): void => {
    change.waiting -= 1;
    conclude(change);
  };

  return {
    waiter() {
      let waitsFor: Followed[] = [];
      const waiter: Waiter = {
        offered(revision) {
          // Certificates and other proxies change configurations too, between two changes of the store.
          if (revision <= lastApplied) return;
          if (current?.revision !== revision) {
            current = { revision, started: now(), proxies: 0, waiting: 0, refused: 0, gone: 0 };
            underway.add(current);
          }
          if (waitsFor.at(-1) === current) return;
          current.proxies += 1;
          current.waiting += 1;
          waitsFor.push(current);
          if (waitsFor.length > mostFollowed) {
            const dropped = waitsFor.shift();
            if (dropped !== undefined) underway.delete(dropped);
          }
        },
        sent(bytes) {
          const newest = waitsFor.at(-1);
          if (newest !== undefined) observer.pushed?.(newest.revision, bytes, waiter);
        },
        refused() {
          const [oldest] = waitsFor;
          if (oldest !== undefined) oldest.refused += 1;
        },
        answered(outstanding) {
          while (waitsFor[0] !== undefined && (outstanding === undefined || waitsFor[0].revision < outstanding)) {
            leave(waitsFor[0]);
            waitsFor.shift();
          }
        },
        gone() {
          for (const change of waitsFor) {
            change.gone += 1;
            leave(change);
          }
          waitsFor = [];
        },
      };
      return waiter;
    },
    applied(revision) {
      lastApplied = Math.max(lastApplied, revision);
      const worked = current;
      current = undefined;
      observer.applied?.(revision, worked?.proxies ?? 0);
      if (worked !== undefined) conclude(worked);
    },
    written(revision, started) {
      for (const change of underway) {
        if (change.revision < revision) continue;
        change.started = Math.min(change.started, started);
        return;
      }
    },
    underway: () => underway.size,
  };
}
