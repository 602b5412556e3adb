// Collections that are written from outside the graph, with their indexes.
import type { Index, Source } from './collection.ts';
import { type Core, noteChange, noteRead } from './recompute.ts';
import { makeSortedKeys, type SortedKeys } from './sorted-keys.ts';
import { makeCell, type Vertex } from './vertex.ts';

interface Bucket {
  readonly cell: Vertex;
  readonly keys: SortedKeys;
}

interface SourceIndex<Value> extends Index {
  bucketsOf(value: Value, key: string): ReadonlySet<string>;
  move(key: string, before: ReadonlySet<string>, after: ReadonlySet<string>): void;
}

const nowhere: ReadonlySet<string> = new Set();

function makeIndex<Value>(core: Core, bucketsOf: (value: Value, key: string) => Iterable<string>): SourceIndex<Value> {
  const buckets = new Map<string, Bucket>();
  const bucketNamed = (name: string): Bucket => {
    let bucket = buckets.get(name);
    if (bucket === undefined) {
      const keys = makeSortedKeys();
      const cell = makeCell(() => {
        if (keys.size === 0) buckets.delete(name);
      });
      bucket = { cell, keys };
      buckets.set(name, bucket);
    }
    return bucket;
  };
  return {
    get(name) {
      if (core.path.length === 0) return buckets.get(name)?.keys.list() ?? [];
      const bucket = bucketNamed(name);
      noteRead(core, bucket.cell);
      return bucket.keys.list();
    },
    bucketsOf: (value, key) => new Set(bucketsOf(value, key)),
    move(key, before, after) {
      for (const name of before) {
        const bucket = buckets.get(name);
        if (after.has(name) || bucket === undefined) continue;
        bucket.keys.delete(key);
        noteChange(core, bucket.cell);
        if (bucket.keys.size === 0 && bucket.cell.readers.size === 0) buckets.delete(name);
      }
      for (const name of after) {
        if (before.has(name)) continue;
        const bucket = bucketNamed(name);
        bucket.keys.add(key);
        noteChange(core, bucket.cell);
      }
    },
  };
}

interface Entry<Value> {
  readonly cell: Vertex;
  value: Value | undefined;
}

/** A source. `write` wraps every change: it refuses writes from derivations and closes the batch. */
export function makeSource<Value>(
  core: Core,
  name: string,
  equals: (before: Value, after: Value) => boolean,
  write: (change: () => void) => void,
): Source<Value> {
  const entries = new Map<string, Entry<Value>>();
  const members = makeSortedKeys();
  const membership = makeCell();
  const indexes = new Map<string, SourceIndex<Value>>();

  const entryOf = (key: string): Entry<Value> => {
    let entry = entries.get(key);
    if (entry === undefined) {
      const cell = makeCell(() => {
        if (!members.has(key)) entries.delete(key);
      });
      entry = { cell, value: undefined };
      entries.set(key, entry);
    }
    return entry;
  };

  const replace = (key: string, before: Value | undefined, after: Value | undefined): void => {
    const entry = entryOf(key);
    // Buckets are computed before anything is changed: a function that throws leaves the source as it was.
    const moves = [...indexes.values()].map((index) => ({
      index,
      from: before === undefined ? nowhere : index.bucketsOf(before, key),
      to: after === undefined ? nowhere : index.bucketsOf(after, key),
    }));
    entry.value = after;
    noteChange(core, entry.cell);
    if (before === undefined) members.add(key);
    if (after === undefined) members.delete(key);
    if (before === undefined || after === undefined) noteChange(core, membership);
    for (const { index, from, to } of moves) index.move(key, from, to);
    if (after === undefined && entry.cell.readers.size === 0) entries.delete(key);
  };

  return {
    name,
    get(key) {
      if (core.path.length === 0) return entries.get(key)?.value;
      const entry = entryOf(key);
      noteRead(core, entry.cell);
      return entry.value;
    },
    keys() {
      noteRead(core, membership);
      return members.list();
    },
    index(indexName, bucketsOf) {
      let index = indexes.get(indexName);
      if (index === undefined) {
        index = makeIndex(core, bucketsOf);
        for (const [key, { value }] of entries) {
          if (value !== undefined) index.move(key, nowhere, index.bucketsOf(value, key));
        }
        indexes.set(indexName, index);
      }
      return index;
    },
    set(key, value) {
      write(() => {
        const before = members.has(key) ? entries.get(key)?.value : undefined;
        if (before === undefined || !equals(before, value)) replace(key, before, value);
      });
    },
    delete(key) {
      write(() => {
        if (members.has(key)) replace(key, entries.get(key)?.value, undefined);
      });
    },
  };
}
