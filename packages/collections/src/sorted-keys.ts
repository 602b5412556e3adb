// A set of keys that is handed out as a sorted list. Lists that were handed out never change.

/** Grows and shrinks cheaply; sorting is put off until somebody asks. */
export interface SortedKeys {
  readonly size: number;
  has(key: string): boolean;
  add(key: string): void;
  delete(key: string): void;
  list(): readonly string[];
}

function merge(sorted: readonly string[], added: readonly string[], keep: ReadonlySet<string>): string[] {
  const merged: string[] = [];
  let next = 0;
  for (const key of sorted) {
    for (let addition = added[next]; addition !== undefined && addition < key; addition = added[++next])
      merged.push(addition);
    if (added[next] === key) next++;
    if (keep.has(key)) merged.push(key);
  }
  for (let addition = added[next]; addition !== undefined; addition = added[++next]) merged.push(addition);
  return merged;
}

/** An empty set of keys. */
export function makeSortedKeys(): SortedKeys {
  const keys = new Set<string>();
  const added = new Set<string>();
  let sorted: readonly string[] = [];
  let changed = false;
  return {
    get size() {
      return keys.size;
    },
    has: (key) => keys.has(key),
    add(key) {
      keys.add(key);
      added.add(key);
      changed = true;
    },
    delete(key) {
      keys.delete(key);
      added.delete(key);
      changed = true;
    },
    list() {
      if (changed) {
        sorted = Object.freeze(merge(sorted, [...added].sort(), keys));
        added.clear();
        changed = false;
      }
      return sorted;
    },
  };
}
