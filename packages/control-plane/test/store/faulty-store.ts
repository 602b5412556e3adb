// A memory store that can be gone (writes fail at once, as a refused connection) or frozen (writes do not end), as a database can.
import { MeshError } from '@ursa/resources';
import { openMemoryStore } from '../../src/store/memory-store.ts';
import type { Store, StoreHealth } from '../../src/store/store.ts';

export interface FaultyStore extends Store {
  /** Writes fail with this reason. */
  breakDown(reason?: string): void;
  /** Writes wait until the store is mended; then they happen. */
  freeze(): void;
  mend(): void;
  /** Writes that were asked for since the fault began. */
  attempts(): number;
}

/** Opens it, working. */
export function openFaultyStore(store: Store = openMemoryStore()): FaultyStore {
  let health: StoreHealth = { ok: true };
  let frozen: (() => void)[] | undefined;
  let attempts = 0;
  const fail = (reason: string): void => {
    health = { ok: false, reason, since: new Date().toISOString(), stale: true };
    attempts = 0;
  };
  return {
    revision: store.revision,
    changes: store.changes,
    close: store.close,
    health: () => health,
    async write(writes) {
      attempts += 1;
      if (frozen !== undefined) await new Promise<void>((resolve) => frozen?.push(resolve));
      else if (!health.ok) throw new MeshError('unavailable', `the database cannot be reached: ${health.reason}`);
      return await store.write(writes);
    },
    breakDown: (reason = 'connection refused') => fail(reason),
    freeze() {
      fail('no answer');
      frozen = [];
    },
    mend() {
      health = { ok: true };
      const waiting = frozen ?? [];
      frozen = undefined;
      for (const go of waiting) go();
    },
    attempts: () => attempts,
  };
}
