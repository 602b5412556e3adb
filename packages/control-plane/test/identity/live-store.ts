// A graph over an empty memory store, and a clock that only moves when told: what the tests of this folder stand on.
import { createGraph } from '@ursa/collections';
import type { Resource } from '@ursa/resources';
import type { Clock } from '../../src/identity/clock.ts';
import { type LiveResources, openLiveResources } from '../../src/store/live-resources.ts';
import { openMemoryStore } from '../../src/store/memory-store.ts';
import type { Store } from '../../src/store/store.ts';

/** A resource as a test writes it. */
export type Draft = Pick<Resource, 'type' | 'name' | 'spec'> & Partial<Pick<Resource, 'mesh' | 'labels' | 'status'>>;

export interface LiveStore {
  readonly live: LiveResources;
  readonly store: Store;
  put(...resources: readonly Draft[]): Promise<void>;
  remove(type: string, mesh: string, name: string): Promise<void>;
}

/** Opens the store with these resources in it. */
export async function openLiveStore(...resources: readonly Draft[]): Promise<LiveStore> {
  const store = openMemoryStore();
  const put: LiveStore['put'] = async (...drafts) => {
    const writes = drafts.map((draft) => ({ kind: 'put' as const, resource: { mesh: '', labels: {}, ...draft } }));
    await store.write(writes);
  };
  await put(...resources);
  const live = openLiveResources(createGraph(), store);
  return {
    live,
    store,
    put,
    async remove(type, mesh, name) {
      await store.write([{ kind: 'delete', key: { type, mesh, name } }]);
    },
  };
}

/** A clock that is moved by hand. */
export interface ManualClock extends Clock {
  /** Moves to a time and runs, in order, what was due until then. */
  moveTo(time: number): void;
  /** How many timers are set. */
  timers(): number;
}

/** Makes a clock that stands at `start`, milliseconds since 1970. */
export function manualClock(start: number): ManualClock {
  let now = start;
  const timers = new Set<{ readonly time: number; readonly run: () => void }>();
  return {
    now: () => now,
    at(time, run) {
      const timer = { time, run };
      timers.add(timer);
      return { stop: () => timers.delete(timer) };
    },
    moveTo(time) {
      for (;;) {
        const due = [...timers].filter((timer) => timer.time <= time).sort((one, other) => one.time - other.time)[0];
        if (due === undefined) break;
        timers.delete(due);
        now = Math.max(now, due.time);
        due.run();
      }
      now = time;
    },
    timers: () => timers.size,
  };
}

/** The `data` of a secret. */
export function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
