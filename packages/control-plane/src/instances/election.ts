// Decides whether this instance leads: by a lease in the store that is taken and renewed with the store's clock, and believed in for less time
// than it lasts. An instance that is cut off, or was frozen and woken, stops believing before another can hold the lease.
import type { Component } from '../component.ts';
import type { Clock } from '../identity/clock.ts';
import type { Logger } from '../log.ts';
import type { LeaderClaim, Leadership } from '../store/leadership.ts';

/** What the store says of the lease. Times in milliseconds, by the store's clock. */
export type LeaseState =
  | {
      readonly held: true;
      /** Grows whenever the lease goes to another holder. */
      readonly term: number;
    }
  | {
      readonly held: false;
      /** Until it can be taken, unless it is renewed. */
      readonly left: number;
    };

/** The lease, for one holder that no other process has the name of. Its calls end in time, well or badly. */
export interface Lease {
  readonly holder: string;
  /** Lasts from the moment the store gives it. */
  readonly duration: number;
  /** Takes the lease when it is free, renews it when it is held here. */
  take(): Promise<LeaseState>;
  /** Writes down who leads, before anything is done as the leader. Rejects when it cannot. */
  announce(claim: LeaderClaim): Promise<void>;
  /** Gives the lease back, if it is held here, and tells the others. */
  release(claim: LeaderClaim): Promise<void>;
}

/** What an election works with. */
export interface ElectionOptions {
  readonly lease: Lease;
  readonly clock: Clock;
  /** Milliseconds that have passed since some moment, whatever is done to the clock on the wall. */
  readonly elapsed?: () => number;
  readonly log: Logger;
}

/** Leadership, as a part that starts to seek it and gives it back at its stop. */
export interface Election extends Leadership, Component {
  /** Looks now: the lease may have become free. */
  wake(): void;
}

// By so much this instance stops believing before its lease ends: what rates of clocks and a late look may differ by.
const margin = 1000;
const renewEvery = 2000;
const lookEvery = 2000;
const retryAfter = 500;

/** Opens the election; nobody leads before it is started. */
export function openElection(options: ElectionOptions): Election {
  const { lease, clock, log } = options;
  const elapsed = options.elapsed ?? (() => performance.now());
  const listeners = new Set<(leads: boolean) => void>();
  let leading: { readonly term: number; until: number; wallUntil: number } | undefined;
  let running = false;
  let looking: Promise<void> | undefined;
  let nextLook: { stop(): void } | undefined;
  let expiry: { stop(): void } | undefined;

  // Two clocks: the monotonic one stands still while a machine sleeps, the other may be set back.
  const left = (): number =>
    leading === undefined ? 0 : Math.min(leading.until - elapsed(), leading.wallUntil - clock.now());
  const leads = (): boolean => left() > 0;

  const tell = (now: boolean): void => {
    for (const listener of listeners) listener(now);
  };
  const stepDown = (reason: string): void => {
    expiry?.stop();
    if (leading === undefined) return;
    log.warn('this instance leads no more', { reason, term: leading.term });
    leading = undefined;
    tell(false);
  };
  const watchExpiry = (): void => {
    expiry?.stop();
    expiry = clock.at(clock.now() + Math.max(0, left()), () => {
      if (leads()) watchExpiry();
      else stepDown('the lease could not be renewed in time');
    });
  };
  /** False when the answer came too late to be believed. */
  const believe = async (term: number, asked: number, askedAt: number): Promise<boolean> => {
    if (leading !== undefined && leading.term !== term) stepDown('another instance has led meanwhile');
    const isNew = leading === undefined;
    if (isNew) await lease.announce({ holder: lease.holder, term });
    const lasts = lease.duration - margin;
    const belief = { term, until: asked + lasts, wallUntil: askedAt + lasts };
    if (!running || belief.until <= elapsed() || belief.wallUntil <= clock.now()) return false;
    leading = belief;
    watchExpiry();
    if (isNew) {
      log.info('this instance leads', { term });
      tell(true);
    }
    return true;
  };

  const look = async (): Promise<void> => {
    const asked = elapsed();
    const askedAt = clock.now();
    try {
      const state = await lease.take();
      if (!running) return;
      if (state.held) lookIn((await believe(state.term, asked, askedAt)) ? renewEvery : retryAfter);
      else {
        stepDown('another instance holds the lease');
        lookIn(Math.min(lookEvery, Math.max(0, state.left)));
      }
    } catch (error) {
      if (!running) return;
      log.debug('the lease could not be asked for', { error });
      lookIn(retryAfter);
    }
  };
  const lookNow = (): Promise<void> => {
    nextLook?.stop();
    looking ??= look().finally(() => {
      looking = undefined;
    });
    return looking;
  };
  function lookIn(milliseconds: number): void {
    nextLook?.stop();
    nextLook = clock.at(clock.now() + milliseconds, () => void lookNow());
  }

  return {
    name: 'election',
    leads,
    claim: () => (leading === undefined ? undefined : { holder: lease.holder, term: leading.term }),
    onChange(listener) {
      listeners.add(listener);
      listener(leads());
      return { stop: () => listeners.delete(listener) };
    },
    wake() {
      if (running && leading === undefined) void lookNow();
    },
    start() {
      running = true;
      return lookNow();
    },
    async stop() {
      running = false;
      nextLook?.stop();
      await looking;
      const claim = leading && { holder: lease.holder, term: leading.term };
      stepDown('the instance stops');
      if (claim !== undefined)
        await lease.release(claim).catch((error: unknown) => log.warn('the lease runs out by itself', { error }));
    },
  };
}
