// Results of one derivation by its arguments: a tree of maps, one level per argument, keyed by primitive value or by object identity.
import type { Argument } from './collection.ts';

/** Finds the entry of a list of arguments. All lists of one table have the same length. */
export interface ArgumentTable<Entry> {
  find(args: readonly Argument[]): Entry | undefined;
  add(args: readonly Argument[], entry: Entry): void;
  remove(args: readonly Argument[]): void;
}

type Level<Entry> = Map<Argument, Level<Entry> | Entry>;

/** An empty table. A call without arguments is stored under one empty key. */
export function makeArgumentTable<Entry>(): ArgumentTable<Entry> {
  const root: Level<Entry> = new Map();
  const lastOf = (args: readonly Argument[]): number => Math.max(args.length - 1, 0);
  return {
    find(args) {
      let level: Level<Entry> = root;
      const last = lastOf(args);
      for (let position = 0; position < last; position++) {
        const next = level.get(args[position]);
        if (next === undefined) return undefined;
        level = next as Level<Entry>;
      }
      return level.get(args[last]) as Entry | undefined;
    },
    add(args, entry) {
      let level: Level<Entry> = root;
      const last = lastOf(args);
      for (let position = 0; position < last; position++) {
        let next = level.get(args[position]) as Level<Entry> | undefined;
        if (next === undefined) {
          next = new Map();
          level.set(args[position], next);
        }
        level = next;
      }
      level.set(args[last], entry);
    },
    remove(args) {
      const path: Level<Entry>[] = [root];
      const last = lastOf(args);
      for (let position = 0; position < last; position++) {
        const next = path[position]?.get(args[position]) as Level<Entry> | undefined;
        if (next === undefined) return;
        path.push(next);
      }
      for (let position = last; position >= 0; position--) {
        const level = path[position];
        level?.delete(args[position]);
        if (level !== undefined && level.size > 0) return;
      }
    },
  };
}
