// What-if: a collection as it would be after some changes, without making them.
import type { Collection, Index } from './collection.ts';

/** Changes by key: the value after, or undefined for a deletion. */
export type Drafts<Value> = ReadonlyMap<string, Value | undefined>;

function overlayIndex<Value>(
  base: Index,
  drafts: Drafts<Value>,
  bucketsOf: (value: Value, key: string) => Iterable<string>,
): Index {
  const added = new Map<string, string[]>();
  for (const [key, value] of drafts) {
    if (value === undefined) continue;
    for (const bucket of new Set(bucketsOf(value, key))) added.set(bucket, [...(added.get(bucket) ?? []), key]);
  }
  return {
    get(bucket) {
      const kept = base.get(bucket).filter((key) => !drafts.has(key));
      const more = added.get(bucket);
      return more === undefined ? kept : [...kept, ...more].sort();
    },
  };
}

/**
 * A read-only view of a collection in which the drafts have happened. Reads go through to the base, tracked as ever: what is derived
 * from an overlay follows the base's changes. The drafts must not be changed afterwards.
 */
export function overlay<Value>(base: Collection<Value>, drafts: Drafts<Value>): Collection<Value> {
  if (drafts.size === 0) return base;
  const indexes = new Map<string, Index>();
  return {
    name: `${base.name} (overlay)`,
    get: (key) => (drafts.has(key) ? drafts.get(key) : base.get(key)),
    keys() {
      const keys = new Set(base.keys());
      for (const [key, value] of drafts) {
        if (value === undefined) keys.delete(key);
        else keys.add(key);
      }
      return [...keys].sort();
    },
    index(name, bucketsOf) {
      let index = indexes.get(name);
      if (index === undefined) {
        index = overlayIndex(base.index(name, bucketsOf), drafts, bucketsOf);
        indexes.set(name, index);
      }
      return index;
    },
  };
}
