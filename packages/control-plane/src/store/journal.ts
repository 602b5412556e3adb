// Where a store keeps its content so that it outlives the process; the memory store has none.
import type { Resource } from '@ursa/resources';
import type { StoreChange } from './store.ts';

/** Durable keeping of changes. All calls are synchronous: a commit that returned is on the disk. */
export interface Journal {
  /** Everything kept, and the revision it stands at. */
  load(): { readonly resources: readonly Resource[]; readonly revision: number };
  /** Keeps all changes or none. Throws a `MeshError('unavailable')` that says why when it could not. */
  commit(changes: readonly StoreChange[]): void;
  /** Tries to write without changing anything; throws like `commit` while writing is not possible. */
  probe(): void;
  close(): void;
}
