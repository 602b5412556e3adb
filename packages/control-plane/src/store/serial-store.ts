// The store's machinery: content in memory, writes one after another, an ordered feed. A journal makes it durable.
// Writes that arrive together are planned one by one and committed together (one fsync for all of them).
import { formatResourceKey, MeshError, type Resource } from '@ursa/resources';
import type { Journal } from './journal.ts';
import { planWrites, type WritePlan } from './plan-writes.ts';
import type {
  ChangeListener,
  Store,
  StoreChange,
  StoreContent,
  StoreHealth,
  StoreWrite,
  WriteDecision,
  WriteResult,
} from './store.ts';

/** Outside world of a store; defaults are the real ones. */
export interface StoreOptions {
  readonly now?: () => Date;
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

interface PendingWrite {
  readonly writes: readonly StoreWrite[] | WriteDecision;
  resolve(result: WriteResult): void;
  reject(error: unknown): void;
}

function decide(writes: readonly StoreWrite[] | WriteDecision, content: StoreContent): readonly StoreWrite[] {
  return typeof writes === 'function' ? writes(content) : writes;
}

/** A store over a journal; without one it lives as long as the process. */
export function openSerialStore(journal: Journal | undefined, options: StoreOptions = {}): Store {
  const now = options.now ?? (() => new Date());
  const content = new Map<string, Resource>();
  const listeners = new Set<ChangeListener>();
  const loaded = journal?.load() ?? { resources: [], revision: 0 };
  for (const resource of loaded.resources) content.set(formatResourceKey(resource), resource);
  let revision = loaded.revision;
  let pending: PendingWrite[] = [];
  let flush: Promise<void> | undefined;
  let health: StoreHealth = { ok: true };
  let probedAt = 0;
  let closed = false;

  function tell(listener: ChangeListener, changes: readonly StoreChange[]): void {
    try {
      listener(changes);
    } catch (error) {
      options.onListenerError?.(error);
    }
  }

  /** Commits what has arrived by now. Each write is planned on top of the ones before it; one that fails takes no other with it. */
  function flushOnce(): void {
    const group = pending;
    pending = [];
    const overlay = new Map<string, Resource | undefined>();
    const stored = { get: (key: string) => (overlay.has(key) ? overlay.get(key) : content.get(key)) };
    const visible = contentUnder(overlay);
    const planned: { write: PendingWrite; plan: WritePlan }[] = [];
    const changes: StoreChange[] = [];
    for (const write of group) {
      try {
        const plan = planWrites(stored, decide(write.writes, visible), revision + changes.length, now().toISOString());
        for (const change of plan.changes) overlay.set(formatResourceKey(change.key), change.after);
        changes.push(...plan.changes);
        planned.push({ write, plan });
      } catch (error) {
        write.reject(error);
      }
    }
    if (changes.length > 0) {
      try {
        const started = performance.now();
        journal?.commit(changes);
        options.onCommit?.({ milliseconds: performance.now() - started, writes: planned.length });
        health = { ok: true };
      } catch (error) {
        markFailed(error);
        for (const { write } of planned) write.reject(error);
        return;
      }
      for (const { key, after } of changes) {
        if (after === undefined) content.delete(formatResourceKey(key));
        else content.set(formatResourceKey(key), after);
      }
      revision += changes.length;
      for (const listener of listeners) tell(listener, changes);
    }
    for (const { write, plan } of planned) {
      write.resolve({ revision: plan.changes.at(-1)?.revision ?? revision, resources: plan.resources });
    }
  }

  function contentUnder(overlay: ReadonlyMap<string, Resource | undefined>): StoreContent {
    return {
      get(key) {
        const id = formatResourceKey(key);
        return overlay.has(id) ? overlay.get(id) : content.get(id);
      },
      *all() {
        for (const [id, resource] of content) if (!overlay.has(id)) yield resource;
        for (const resource of overlay.values()) if (resource !== undefined) yield resource;
      },
    };
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
    revision: () => revision,
    changes(listener) {
      const all = [...content.values()].map((resource) => ({
        key: { type: resource.type, mesh: resource.mesh, name: resource.name },
        before: undefined,
        after: resource,
        revision,
      }));
      listeners.add(listener);
      tell(listener, all);
      return { stop: () => listeners.delete(listener) };
    },
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
      listeners.clear();
      journal?.close();
    },
  };
}
