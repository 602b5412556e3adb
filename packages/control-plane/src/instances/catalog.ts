// Who is there: every instance says every few seconds that it lives, and reads of the others. Kept apart from the resources: it wakes nobody.
import type { Component } from '../component.ts';
import type { Clock } from '../identity/clock.ts';
import type { Logger } from '../log.ts';
import type { Instance, Instances, KnownInstance } from './instances.ts';

/** The catalog as it is stored. */
export interface CatalogTable {
  /** Says that the instance lives, and reads all, it among them. `wasKnown`: it stood there before, and had not been silent for long. */
  beat(
    instance: Instance,
    goneAfter: number,
  ): Promise<{ readonly all: readonly KnownInstance[]; readonly wasKnown: boolean }>;
  /** Only reads. */
  read(): Promise<readonly KnownInstance[]>;
  leave(id: string): Promise<void>;
}

/** What the catalog works with. */
export interface CatalogOptions {
  readonly table: CatalogTable;
  readonly describe: () => Instance;
  /** Whether this instance leads: it knows sooner than the table does. */
  readonly leads: () => boolean;
  readonly id: string;
  readonly clock: Clock;
  /** Milliseconds between two heartbeats. */
  readonly interval: number;
  /** This instance was silent for so long that others have taken it for gone. */
  readonly onReturn: () => void;
  /** Told how long each heartbeat took, or that it could not be written. */
  readonly onHeartbeat?: ((milliseconds: number | 'failed') => void) | undefined;
  readonly log: Logger;
}

/** The catalog, as a part that says at its start that this instance lives, and at its stop that it leaves. */
export interface Catalog extends Instances, Component {
  /** Calls back after each heartbeat, with all that live. */
  onBeat(listener: (living: readonly KnownInstance[]) => void): { stop(): void };
}

/** An instance counts as gone after so many intervals without a heartbeat: two may be lost. */
export const silentIntervals = 2.4;
const shortestPause = 500;
// What is gone is shown for so long.
const shownFor = 5 * 60_000;

/** Opens the catalog; nobody knows this instance before it is started. */
export function openCatalog(options: CatalogOptions): Catalog {
  const { table, describe, leads, id, clock, interval, onReturn, onHeartbeat, log } = options;
  const goneAfter = silentIntervals * interval;
  const goneListeners = new Set<() => void>();
  const beatListeners = new Set<(living: readonly KnownInstance[]) => void>();
  let known: readonly KnownInstance[] = [];
  let readAt = 0;
  let isJoined = false;
  let answeredAt = Number.POSITIVE_INFINITY;
  let running = false;
  let timer: { stop(): void } | undefined;
  let beating: Promise<void> | undefined;

  const isLiving = ({ silence }: KnownInstance): boolean => silence < goneAfter;
  const since = (): readonly KnownInstance[] => {
    const passed = clock.now() - readAt;
    return known.map((each) =>
      each.id === id
        ? { ...each, ...describe(), leader: leads(), silence: 0 }
        : { ...each, silence: each.silence + passed },
    );
  };
  const take = (all: readonly KnownInstance[]): void => {
    const before = known.filter(isLiving);
    known = all.filter(({ silence }) => silence < shownFor);
    readAt = clock.now();
    const living = new Set(known.filter(isLiving).map((each) => each.id));
    for (const each of known) {
      if (living.has(each.id) && !before.some((other) => other.id === each.id) && each.id !== id)
        log.info('another instance is there', { instance: each.id, hostname: each.hostname, version: each.version });
    }
    const gone = before.filter((each) => !living.has(each.id));
    if (gone.length === 0) return;
    log.info('instances are gone', { instances: gone.map((each) => each.id) });
    for (const listener of goneListeners) listener();
  };

  const beat = async (): Promise<void> => {
    const started = performance.now();
    const startedAt = clock.now();
    try {
      const { all, wasKnown } = await table.beat(describe(), goneAfter);
      onHeartbeat?.(performance.now() - started);
      // A heartbeat may have arrived whose answer did not: then the table knows this instance again, which was told nothing of it.
      const wasSilent = startedAt - answeredAt >= goneAfter;
      const returned = isJoined && (!wasKnown || wasSilent);
      isJoined = true;
      answeredAt = startedAt;
      take(all);
      if (returned) {
        log.warn('this instance was silent for so long that the others took it for gone');
        onReturn();
      }
      for (const listener of beatListeners) listener(known.filter(isLiving));
    } catch (error) {
      onHeartbeat?.('failed');
      if (!isJoined) throw error;
      log.debug('a heartbeat could not be written', { error });
    }
  };
  const beatNow = (): Promise<void> => {
    beating ??= beat().finally(() => {
      beating = undefined;
      if (running) beatLater();
    });
    return beating;
  };
  function beatLater(): void {
    timer?.stop();
    // Who is silent is looked at when it would be gone, not up to an interval later.
    const ends = known.filter((each) => each.id !== id && isLiving(each)).map(({ silence }) => goneAfter - silence + 1);
    const pause = Math.min(interval, Math.max(shortestPause, Math.min(...ends)));
    timer = clock.at(clock.now() + pause, () => void beatNow());
  }

  return {
    name: 'catalog',
    self: id,
    list: since,
    isLiving,
    async living() {
      take(await table.read());
      return new Set(known.filter(isLiving).map((each) => each.id)).add(id);
    },
    onGone(listener) {
      goneListeners.add(listener);
      return { stop: () => goneListeners.delete(listener) };
    },
    onBeat(listener) {
      beatListeners.add(listener);
      return { stop: () => beatListeners.delete(listener) };
    },
    async start() {
      running = true;
      await beatNow();
    },
    async stop() {
      running = false;
      timer?.stop();
      await beating;
      if (isJoined)
        await table.leave(id).catch((error: unknown) => log.warn('the others find out by themselves', { error }));
    },
  };
}
