// Results of one derivation by its arguments: a tree, one level per argument, keyed by primitive value or by object
// identity. Most levels below the first have one branch only, and a map takes some hundred bytes: these are a record.
import type { Argument } from './collection.ts';

/** Finds the entry of a list of arguments. All lists of one table have the same length. */
export interface ArgumentTable<Entry> {
  find(args: readonly Argument[]): Entry | undefined;
  add(args: readonly Argument[], entry: Entry): void;
  remove(args: readonly Argument[]): void;
}

/** What follows one argument: the next level, or the entry after the last one. */
type Branch<Entry> = Level<Entry> | Entry;

interface OnlyBranch<Entry> {
  readonly argument: Argument;
  readonly branch: Branch<Entry>;
}

/** The branches of one level, by argument; `only` stands for a map of one. */
interface Level<Entry> {
  only: OnlyBranch<Entry> | undefined;
  several: Map<Argument, Branch<Entry>> | undefined;
}

/** An empty table. A call without arguments is stored under one empty key. */
export function makeArgumentTable<Entry>(): ArgumentTable<Entry> {
  const root = makeLevel<Entry>();
  const lastOf = (args: readonly Argument[]): number => Math.max(args.length - 1, 0);
  return {
    find(args) {
      let level = root;
      const last = lastOf(args);
      for (let position = 0; position < last; position++) {
        const next = branchOf(level, args[position]);
        if (next === undefined) return undefined;
        level = next as Level<Entry>;
      }
      return branchOf(level, args[last]) as Entry | undefined;
    },
    add(args, entry) {
      let level = root;
      const last = lastOf(args);
      for (let position = 0; position < last; position++) {
        let next = branchOf(level, args[position]) as Level<Entry> | undefined;
        if (next === undefined) {
          next = makeLevel();
          setBranch(level, args[position], next);
        }
        level = next;
      }
      setBranch(level, args[last], entry);
    },
    remove(args) {
      const path: Level<Entry>[] = [root];
      const last = lastOf(args);
      for (let position = 0; position < last; position++) {
        const level = path[position];
        const next = level === undefined ? undefined : (branchOf(level, args[position]) as Level<Entry> | undefined);
        if (next === undefined) return;
        path.push(next);
      }
      for (let position = last; position >= 0; position--) {
        const level = path[position];
        if (level !== undefined && !removeBranch(level, args[position])) return;
      }
    },
  };
}

function makeLevel<Entry>(): Level<Entry> {
  return { only: undefined, several: undefined };
}

function branchOf<Entry>({ only, several }: Level<Entry>, argument: Argument): Branch<Entry> | undefined {
  if (several !== undefined) return several.get(argument);
  return only !== undefined && isSame(only.argument, argument) ? only.branch : undefined;
}

function setBranch<Entry>(level: Level<Entry>, argument: Argument, branch: Branch<Entry>): void {
  const { only, several } = level;
  if (several !== undefined) several.set(argument, branch);
  else if (only === undefined || isSame(only.argument, argument)) level.only = { argument, branch };
  else {
    level.only = undefined;
    level.several = new Map([
      [only.argument, only.branch],
      [argument, branch],
    ]);
  }
}

/** True when nothing is left of the level. */
function removeBranch<Entry>(level: Level<Entry>, argument: Argument): boolean {
  const { only, several } = level;
  if (several !== undefined) {
    several.delete(argument);
    return several.size === 0;
  }
  if (only !== undefined && isSame(only.argument, argument)) level.only = undefined;
  return level.only === undefined;
}

/** As a map compares its keys. */
function isSame(one: Argument, other: Argument): boolean {
  return one === other || (Number.isNaN(one) && Number.isNaN(other));
}
