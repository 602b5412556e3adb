// A set of keys that is handed out as a sorted list. Lists that were handed out never change.

/** A set of keys. Grows and shrinks cheaply; sorting is put off until somebody asks. */
export interface SortedKeys {
  readonly members: Set<string>;
  /** Keys that are not in `list` yet. */
  readonly added: Set<string>;
  /** Whether `list` is behind. */
  changed: boolean;
  list: readonly string[];
}

/** An empty set of keys. */
export function makeSortedKeys(): SortedKeys {
  return { members: new Set(), added: new Set(), changed: false, list: [] };
}

export function addKey(keys: SortedKeys, key: string): void {
  keys.members.add(key);
  keys.added.add(key);
  keys.changed = true;
}

export function deleteKey(keys: SortedKeys, key: string): void {
  keys.members.delete(key);
  keys.added.delete(key);
  keys.changed = true;
}

/** The keys in order. */
export function listKeys(keys: SortedKeys): readonly string[] {
  if (keys.changed) {
    keys.list = Object.freeze(merge(keys.list, [...keys.added].sort(), keys.members));
    keys.added.clear();
    keys.changed = false;
  }
  return keys.list;
}

function merge(sorted: readonly string[], added: readonly string[], keep: ReadonlySet<string>): string[] {
  const merged: string[] = [];
  let next = 0;
  for (const key of sorted) {
    for (let addition = added[next]; addition !== undefined && addition < key; addition = added[++next]) {
      merged.push(addition);
    }
    if (added[next] === key) next++;
    if (keep.has(key)) merged.push(key);
  }
  for (let addition = added[next]; addition !== undefined; addition = added[++next]) merged.push(addition);
  return merged;
}
