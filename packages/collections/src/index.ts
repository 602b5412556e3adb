// Keyed sets that can be derived, indexed, overlaid and watched.
export * from './collection.ts';
