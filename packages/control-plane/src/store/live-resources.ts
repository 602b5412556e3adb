// The store's content as graph sources: one per resource type, kept current by the feed. Every read of the control plane goes through here.

import type { Collection, Graph, Source } from '@ursa/collections';
import { MeshError, type Resource, type ResourceKey } from '@ursa/resources';
import type { ChangeListener, Store } from './store.ts';

/** Current resources by type, and the graph they are sources of. */
export interface LiveResources {
  readonly graph: Graph;
  /** Resources of one type; key `<mesh>/<name>`, `/<name>` for global types. */
  resources(type: string): Collection<Resource>;
  get(key: ResourceKey): Resource | undefined;
  /** Keys of all resources of a type, of one mesh when given, in order. */
  keys(type: string, mesh?: string): readonly string[];
  /** All resources of a type, of one mesh when given, sorted by mesh and name. */
  list(type: string, mesh?: string): readonly Resource[];
  /** The revision of the last write that is in the graph, or is being put there. */
  revision(): number;
  /** Calls back after each applied write, in revision order. */
  onApplied(listener: (revision: number) => void): { stop(): void };
  /**
   * Calls back with the changes of each write before they are derived from, in the same batch: sources that are set then change together with the
   * resources.
   */
  onApplying(listener: ChangeListener): { stop(): void };
  stop(): void;
}

/** Key of a resource within its type's collection. */
export function keyInType(key: Pick<ResourceKey, 'mesh' | 'name'>): string {
  return `${key.mesh}/${key.name}`;
}

/** Feeds the graph from the store; returns when everything stored has been applied. */
export function openLiveResources(graph: Graph, store: Store): LiveResources {
  const sources = new Map<string, Source<Resource>>();
  const applyingListeners = new Set<ChangeListener>();
  const appliedListeners = new Set<(revision: number) => void>();
  let loaded = false;
  let current = store.revision();
  const sourceOf = (type: string): Source<Resource> => {
    let source = sources.get(type);
    if (source === undefined) {
      source = graph.source<Resource>(`resources/${type}`);
      sources.set(type, source);
    }
    return source;
  };
  const keys = (type: string, mesh?: string): readonly string[] => {
    const source = sourceOf(type);
    return mesh === undefined ? source.keys() : source.index('mesh', (resource) => [resource.mesh]).get(mesh);
  };
  const apply: ChangeListener = (changes) => {
    const revision = changes.at(-1)?.revision;
    // Before the batch: what follows from it happens inside.
    if (revision !== undefined) current = Math.max(current, revision);
    graph.batch(() => {
      for (const listener of applyingListeners) listener(changes);
      for (const { key, after } of changes) {
        if (after === undefined) sourceOf(key.type).delete(keyInType(key));
        else sourceOf(key.type).set(keyInType(key), after);
      }
    });
    loaded = true;
    if (revision !== undefined) for (const listener of appliedListeners) listener(revision);
  };
  const feed = store.changes(apply);
  if (!loaded) throw new MeshError('internal', 'the store did not hand over its content when the feed was opened');
  return {
    graph,
    resources: sourceOf,
    get: (key) => sourceOf(key.type).get(keyInType(key)),
    keys,
    list: (type, mesh) =>
      keys(type, mesh)
        .map((key) => sourceOf(type).get(key))
        .filter((resource) => resource !== undefined),
    revision: () => current,
    onApplied(listener) {
      appliedListeners.add(listener);
      return { stop: () => appliedListeners.delete(listener) };
    },
    onApplying(listener) {
      applyingListeners.add(listener);
      return { stop: () => applyingListeners.delete(listener) };
    },
    stop: () => feed.stop(),
  };
}
