// A set of keys that is handed out as a sorted list. Lists that were handed out never change.

/** A set of keys. Grows and shrinks cheaply; sorting is put off until somebody asks. */
export interface SortedKeys {
  readonly members: Set<string>;
  /** Keys that are not in `list` yet. */
  readonly added: Set<string>;
  /** Keys that are in `list` still. */
  readonly removed: Set<string>;
  list: readonly string[];
}

/** An empty set of keys. */
export function makeSortedKeys(): SortedKeys {
  return { members: new Set(), added: new Set(), removed: new Set(), list: [] };
}

/** Adds a key that is not there. */
export function addKey(keys: SortedKeys, key: string): void {
  keys.members.add(key);
  if (!keys.removed.delete(key)) keys.added.add(key);
}

/** Takes out a key that is there. */
export function deleteKey(keys: SortedKeys, key: string): void {
  keys.members.delete(key);
  if (!keys.added.delete(key)) keys.removed.add(key);
}

/** So many changes are made one by one, by binary search; more are merged in one pass. */
const fewChanges = 8;

/** The keys in order. */
export function listKeys(keys: SortedKeys): readonly string[] {
  const { added, removed, members } = keys;
  const changes = added.size + removed.size;
  if (changes === 0) return keys.list;
  let list = keys.list;
  if (changes > fewChanges) {
    list = merge(list, [...added].sort(), members);
  } else {
    for (const key of removed) list = list.toSpliced(positionOf(list, key), 1);
    for (const key of added) list = list.toSpliced(positionOf(list, key), 0, key);
  }
  added.clear();
  removed.clear();
  keys.list = list;
  return list;
}

/** Where a key is, or would be. */
function positionOf(sorted: readonly string[], key: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? '') < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

function merge(sorted: readonly string[], added: readonly string[], keep: ReadonlySet<string>): string[] {
  const merged: string[] = [];
  let next = 0;
  for (const key of sorted) {
    for (let addition = added[next]; addition !== undefined && addition < key; addition = added[++next]) {
      merged.push(addition);
    }
    if (keep.has(key)) merged.push(key);
  }
  for (let addition = added[next]; addition !== undefined; addition = added[++next]) merged.push(addition);
  return merged;
}
