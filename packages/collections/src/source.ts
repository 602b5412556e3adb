// Collections that are written from outside the graph, with their indexes.
import type { Source } from './collection.ts';
import { type KeyJournal, makeKeyJournal } from './key-journal.ts';
import { type Core, noteChange, noteRead } from './recompute.ts';
import { addKey, deleteKey, listKeys, makeSortedKeys } from './sorted-keys.ts';
import { makeIndex, type SourceIndex } from './source-index.ts';
import { type Cell, type CellHome, makeCell } from './vertex.ts';

const nowhere: ReadonlySet<string> = new Set();

interface Entry<Value> {
  readonly cell: Cell;
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
  const keys = makeSortedKeys();
  const membership = makeCell();
  const journals = new Set<KeyJournal>();
  let revision = 0;
  const indexes = new Map<string, SourceIndex<Value>>();
  const home: CellHome = {
    forgetUnread(key) {
      if (!keys.members.has(key)) entries.delete(key);
    },
  };

  const entryOf = (key: string): Entry<Value> => {
    let entry = entries.get(key);
    if (entry === undefined) {
      entry = { cell: makeCell(home, key), value: undefined };
      entries.set(key, entry);
    }
    return entry;
  };

  const replace = (key: string, before: Value | undefined, after: Value | undefined): void => {
    const moves = [...indexes.values()].map((index) => ({
      index,
      from: before === undefined ? nowhere : index.bucketsOf(before, key),
      to: after === undefined ? nowhere : index.bucketsOf(after, key),
    }));
    const entry = entryOf(key);
    entry.value = after;
    noteChange(core, entry.cell);
    if (before === undefined) addKey(keys, key);
    if (after === undefined) deleteKey(keys, key);
    if (before === undefined || after === undefined) {
      revision++;
      for (const journal of journals) journal.note(key, after !== undefined);
      noteChange(core, membership);
    }
    for (const { index, from, to } of moves) index.move(key, from, to);
    if (after === undefined && entry.cell.readers === undefined) entries.delete(key);
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
      return listKeys(keys);
    },
    index(indexName, bucketsOf) {
      let index = indexes.get(indexName);
      if (index === undefined) {
        index = makeIndex(core, `index ${indexName} of ${name}`, bucketsOf);
        for (const [key, { value }] of entries) {
          if (value !== undefined) index.move(key, nowhere, index.bucketsOf(value, key));
        }
        indexes.set(indexName, index);
      }
      return index;
    },
    follow() {
      const journal = makeKeyJournal(keys.members);
      journals.add(journal);
      return {
        revision() {
          noteRead(core, membership);
          return revision;
        },
        take: () => journal.take(),
        stop: () => void journals.delete(journal),
      };
    },
    set(key, value) {
      write(() => {
        const before = entries.get(key)?.value;
        if (before === undefined || !equals(before, value)) replace(key, before, value);
      });
    },
    delete(key) {
      write(() => {
        if (keys.members.has(key)) replace(key, entries.get(key)?.value, undefined);
      });
    },
  };
}
