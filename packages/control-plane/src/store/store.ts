// The store's contract: reads, optimistic writes and one ordered feed of changes. Embedded, memory and PostgreSQL stores pass one suite.
import type { Resource, ResourceKey } from '@ursa/resources';

/** One write. Writes handed over together are applied together or not at all. */
export type StoreWrite =
  | {
      readonly kind: 'put';
      readonly resource: Omit<Resource, 'version' | 'creationTime' | 'modificationTime'>;
      /** Version the writer has seen; 0 = must not exist; undefined = whatever is there. */
      readonly expectedVersion?: number | undefined;
    }
  | { readonly kind: 'delete'; readonly key: ResourceKey; readonly expectedVersion?: number | undefined };

/** One change, as it happened. `before` is undefined for a creation, `after` for a deletion. */
export interface StoreChange {
  readonly key: ResourceKey;
  readonly before: Resource | undefined;
  readonly after: Resource | undefined;
  /** Grows by one with every change of this store, without gaps. */
  readonly revision: number;
}

/** The store's content at the moment a write is decided: everything written before it, nothing of what comes after. */
export interface StoreContent {
  get(key: ResourceKey): Resource | undefined;
  /** Every resource, in no order. Walks over all of them. */
  all(): Iterable<Resource>;
}

/**
 * Decides at the last moment what is written, so that what it has read still holds when it is stored: a mesh that exists, a name that
 * is free. Synchronous, and free of side effects: a store may call it again. What it throws rejects the write, and only that one.
 */
export type WriteDecision = (content: StoreContent) => readonly StoreWrite[];

export interface WriteResult {
  /** Revision of the last change of this write; the store's revision when nothing changed. */
  readonly revision: number;
  /** Stored forms of the put resources, in the order of the writes; undefined for deletions. */
  readonly resources: readonly (Resource | undefined)[];
}

/** Whether writes work now; else why not and since when. */
export type StoreHealth =
  | { readonly ok: true }
  | {
      readonly ok: false;
      readonly reason: string;
      readonly since: string;
      /** True when others may have written since then what this store's content lacks: reads are of `since`, not of now. */
      readonly stale: boolean;
    };

/** Gets the changes of one write together, in order; writes that were stored together may come in one call. Must not throw. */
export type ChangeListener = (changes: readonly StoreChange[]) => void;

export interface Store {
  /**
   * Applies all writes as one. A put whose spec, status and labels equal the stored ones changes nothing. Errors: `MeshError` with code
   * `precondition-failed` (expectedVersion lost a race), `not-found` (deletion of something absent), `unavailable` (disk full, database gone).
   */
  write(writes: readonly StoreWrite[] | WriteDecision): Promise<WriteResult>;
  /** The current revision. */
  revision(): number;
  /** Every resource, as of now; the feed continues exactly from there. The listener is called once with all of them, then with every write. */
  changes(listener: ChangeListener): { stop(): void };
  health(): StoreHealth;
  close(): Promise<void>;
}
