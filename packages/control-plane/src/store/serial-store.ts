// The store of one process: content in memory, writes one after another, an ordered feed. A journal makes it durable.
// Writes that arrive together are planned one by one and committed together (one fsync for all of them).
import { MeshError } from '@ursa/resources';
import type { Journal } from './journal.ts';
import { answerGroup, type PendingWrite, planGroup } from './plan-group.ts';
import type { Sealer } from './sealing/sealer.ts';
import type { Store, StoreHealth } from './store.ts';
import { openStoreContent } from './store-content.ts';

/** Outside world of a store; defaults are the real ones. */
export interface StoreOptions {
  readonly now?: () => Date;
  /** Seals secrets in stores that keep them; default: they are kept as they are. */
  readonly sealer?: Sealer;
  /** Told when a listener throws, which is a bug of the listener: the write stands and the others are still told. */
  readonly onListenerError?: (error: unknown) => void;
  /** Told of each commit, for metrics. */
  readonly onCommit?: (commit: Commit) => void;
}

/** Writes that became durable together. */
export interface Commit {
  readonly milliseconds: number;
  readonly writes: number;
}

/** How long a failed journal is left alone before `health` tries it again. */
const probeAfterMilliseconds = 500;

/** A store over a journal; without one it lives as long as the process. */
export function openSerialStore(journal: Journal | undefined, options: StoreOptions = {}): Store {
  const now = options.now ?? (() => new Date());
  const content = openStoreContent(journal?.load() ?? { resources: [], revision: 0 }, options.onListenerError);
  let pending: PendingWrite[] = [];
  let flush: Promise<void> | undefined;
  let health: StoreHealth = { ok: true };
  let probedAt = 0;
  let closed = false;

  /** Commits what has arrived by now. */
  function flushOnce(): void {
    const group = pending;
    pending = [];
    const plan = planGroup(group, content.resources, content.revision(), now);
    if (plan.changes.length > 0) {
      try {
        const started = performance.now();
        journal?.commit(plan.changes);
        options.onCommit?.({ milliseconds: performance.now() - started, writes: plan.accepted.length });
        health = { ok: true };
      } catch (error) {
        markFailed(error);
        for (const { write } of plan.accepted) write.reject(error);
        answerGroup({ ...plan, accepted: [] }, content.revision());
        return;
      }
      content.apply(plan.changes, content.revision() + plan.changes.length);
    }
    answerGroup(plan, content.revision());
  }

  function markFailed(error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    health = { ok: false, reason, since: health.ok ? now().toISOString() : health.since, stale: false };
    probedAt = performance.now();
  }

  async function flushAll(): Promise<void> {
    // One turn of the event loop gathers every write whose request is already in the socket buffers.
    await new Promise((resolve) => setImmediate(resolve));
    while (pending.length > 0) flushOnce();
    flush = undefined;
  }

  return {
    write(writes) {
      if (closed) return Promise.reject(new MeshError('unavailable', 'the store is closed'));
      return new Promise((resolve, reject) => {
        pending.push({ writes, resolve, reject });
        flush ??= flushAll();
      });
    },
    revision: content.revision,
    changes: content.listen,
    health() {
      if (!health.ok && journal !== undefined && performance.now() - probedAt >= probeAfterMilliseconds) {
        try {
          journal.probe();
          health = { ok: true };
        } catch (error) {
          markFailed(error);
        }
      }
      return health;
    },
    async close() {
      closed = true;
      await flush;
      content.close();
      journal?.close();
    },
  };
}
