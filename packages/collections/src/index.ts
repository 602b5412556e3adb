// Keyed sets that can be derived, indexed, overlaid and watched.
export * from './collection.ts';
export { deepEqual } from './deep-equal.ts';
export { createGraph, type GraphObserver, type GraphOptions } from './graph.ts';
export { createInterner, type Interner } from './intern.ts';
export { type Drafts, overlay } from './overlay.ts';
export { type EachWatcher, watchEach } from './watch-each.ts';
