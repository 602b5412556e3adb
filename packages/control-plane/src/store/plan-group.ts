// Writes that arrived together: each is planned on top of the ones before it, and one that is refused takes no other with it.
import { formatResourceKey, type Resource } from '@ursa/resources';
import { planWrites, type WritePlan } from './plan-writes.ts';
import type { StoreChange, StoreContent, StoreWrite, WriteDecision, WriteResult } from './store.ts';

/** A write whose caller waits. */
export interface PendingWrite {
  readonly writes: readonly StoreWrite[] | WriteDecision;
  resolve(result: WriteResult): void;
  reject(error: unknown): void;
}

/** What a group of writes would do. */
export interface GroupPlan<Write extends PendingWrite> {
  readonly accepted: readonly { readonly write: Write; readonly plan: WritePlan }[];
  readonly refused: readonly { readonly write: Write; readonly error: unknown }[];
  /** Of all accepted writes, in order. */
  readonly changes: readonly StoreChange[];
}

/** Plans a group on content that stands at a revision. Nothing is stored, nobody is answered. */
export function planGroup<Write extends PendingWrite>(
  group: readonly Write[],
  resources: ReadonlyMap<string, Resource>,
  revision: number,
  now: () => Date,
): GroupPlan<Write> {
  const overlay = new Map<string, Resource | undefined>();
  const stored = { get: (key: string) => (overlay.has(key) ? overlay.get(key) : resources.get(key)) };
  const visible = contentUnder(resources, overlay);
  const accepted: { readonly write: Write; readonly plan: WritePlan }[] = [];
  const refused: { readonly write: Write; readonly error: unknown }[] = [];
  const changes: StoreChange[] = [];
  for (const write of group) {
    try {
      const writes = typeof write.writes === 'function' ? write.writes(visible) : write.writes;
      const plan = planWrites(stored, writes, revision + changes.length, now().toISOString());
      for (const change of plan.changes) overlay.set(formatResourceKey(change.key), change.after);
      changes.push(...plan.changes);
      accepted.push({ write, plan });
    } catch (error) {
      refused.push({ write, error });
    }
  }
  return { accepted, refused, changes };
}

/** Answers every writer of a group whose changes are stored. `revision` is the store's. */
export function answerGroup({ accepted, refused }: GroupPlan<PendingWrite>, revision: number): void {
  for (const { write, plan } of accepted) {
    write.resolve({ revision: plan.changes.at(-1)?.revision ?? revision, resources: plan.resources });
  }
  for (const { write, error } of refused) write.reject(error);
}

function contentUnder(
  resources: ReadonlyMap<string, Resource>,
  overlay: ReadonlyMap<string, Resource | undefined>,
): StoreContent {
  return {
    get(key) {
      const id = formatResourceKey(key);
      return overlay.has(id) ? overlay.get(id) : resources.get(id);
    },
    *all() {
      for (const [id, resource] of resources) if (!overlay.has(id)) yield resource;
      for (const resource of overlay.values()) if (resource !== undefined) yield resource;
    },
  };
}
