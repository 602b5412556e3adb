// Indexes of sources: buckets of keys, each a cell of its own. Empty buckets that somebody has read are cells without keys.
import type { Index } from './collection.ts';
import { type Core, noteChange, noteRead } from './recompute.ts';
import { addKey, deleteKey, listKeys, makeSortedKeys, type SortedKeys } from './sorted-keys.ts';
import { type Cell, type CellHome, makeCell } from './vertex.ts';

const nowhere: readonly string[] = [];

interface Bucket {
  readonly cell: Cell;
  keys: SortedKeys | undefined;
}

/** An index that its source keeps current. */
export interface SourceIndex<Value> extends Index {
  bucketsOf(value: Value, key: string): ReadonlySet<string>;
  move(key: string, before: ReadonlySet<string>, after: ReadonlySet<string>): void;
}

/** An empty index. */
export function makeIndex<Value>(
  core: Core,
  name: string,
  bucketsOf: (value: Value, key: string) => Iterable<string>,
): SourceIndex<Value> {
  const buckets = new Map<string, Bucket>();
  const home: CellHome = {
    forgetUnread(name) {
      if (buckets.get(name)?.keys === undefined) buckets.delete(name);
    },
  };
  const bucketNamed = (name: string): Bucket => {
    let bucket = buckets.get(name);
    if (bucket === undefined) {
      bucket = { cell: makeCell(home, name), keys: undefined };
      buckets.set(name, bucket);
    }
    return bucket;
  };
  const add = (name: string, key: string): void => {
    const bucket = bucketNamed(name);
    bucket.keys ??= makeSortedKeys();
    addKey(bucket.keys, key);
    noteChange(core, bucket.cell);
  };
  const remove = (name: string, key: string): void => {
    const bucket = buckets.get(name);
    if (bucket?.keys === undefined) return;
    deleteKey(bucket.keys, key);
    if (bucket.keys.members.size === 0) bucket.keys = undefined;
    noteChange(core, bucket.cell);
    if (bucket.keys === undefined && bucket.cell.readers === undefined) buckets.delete(name);
  };
  return {
    get(bucketName) {
      if (core.path.length === 0) {
        const keys = buckets.get(bucketName)?.keys;
        return keys === undefined ? nowhere : listKeys(keys);
      }
      const bucket = bucketNamed(bucketName);
      noteRead(core, bucket.cell);
      return bucket.keys === undefined ? nowhere : listKeys(bucket.keys);
    },
    bucketsOf(value, key) {
      // A value that cannot be indexed must not keep others from being stored: it is in no bucket, and whoever ends the batch is told.
      try {
        return new Set(bucketsOf(value, key));
      } catch (error) {
        core.failures.push({ error, where: `${name} of ${key}` });
        return new Set();
      }
    },
    move(key, before, after) {
      for (const bucket of before) if (!after.has(bucket)) remove(bucket, key);
      for (const bucket of after) if (!before.has(bucket)) add(bucket, key);
    },
  };
}
