// The content of a store in memory, the revision it stands at, and who listens to its changes.
import { formatResourceKey, type Resource } from '@ursa/resources';
import type { ChangeListener, StoreChange } from './store.ts';

/** Content that moves by changes, and tells of them. */
export interface StoreContentInMemory {
  readonly resources: ReadonlyMap<string, Resource>;
  revision(): number;
  /** Takes the changes in, then tells every listener once. `revision` is where the content stands then. */
  apply(changes: readonly StoreChange[], revision: number): void;
  /** Tells the listener of everything there is, then of every change. */
  listen(listener: ChangeListener): { stop(): void };
  /** Forgets the listeners. */
  close(): void;
}

/** Content with what was loaded. `onListenerError` is told when a listener throws: the others are still told. */
export function openStoreContent(
  loaded: { readonly resources: readonly Resource[]; readonly revision: number },
  onListenerError: ((error: unknown) => void) | undefined,
): StoreContentInMemory {
  const resources = new Map(loaded.resources.map((resource) => [formatResourceKey(resource), resource]));
  const listeners = new Set<ChangeListener>();
  let current = loaded.revision;

  function tell(listener: ChangeListener, changes: readonly StoreChange[]): void {
    try {
      listener(changes);
    } catch (error) {
      onListenerError?.(error);
    }
  }

  return {
    resources,
    revision: () => current,
    apply(changes, revision) {
      for (const { key, after } of changes) {
        if (after === undefined) resources.delete(formatResourceKey(key));
        else resources.set(formatResourceKey(key), after);
      }
      current = revision;
      if (changes.length > 0) for (const listener of listeners) tell(listener, changes);
    },
    listen(listener) {
      const all = [...resources.values()].map((resource) => ({
        key: { type: resource.type, mesh: resource.mesh, name: resource.name },
        before: undefined,
        after: resource,
        revision: current,
      }));
      listeners.add(listener);
      tell(listener, all);
      return { stop: () => listeners.delete(listener) };
    },
    close: () => listeners.clear(),
  };
}
