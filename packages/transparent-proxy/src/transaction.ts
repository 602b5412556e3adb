// From what is on the host to what should be there, as one input of `iptables-restore --noflush`: each table changes at once or not at all, and
// nothing of others is in it.
import type { TableLines } from './restore-text.ts';
import type { OwnPart } from './saved-rules.ts';

/** Rules in chains of others that are known to be there without a comment of ours, by table; each line as `CHAIN arguments`. */
export type UncommentedRules = ReadonlyMap<string, readonly string[]>;

/** What is there, and what is wanted. */
export interface RuleChange {
  readonly present: readonly OwnPart[];
  readonly uncommented?: UncommentedRules;
  /** Nothing to take everything away. */
  readonly wanted: readonly TableLines[];
}

/**
 * The tables of the change. Chains that stay are emptied instead of made: within one transaction nobody ever sees the host without its rules.
 * No tables when there is nothing to do.
 */
export function planChange({ present, uncommented = new Map(), wanted }: RuleChange): readonly TableLines[] {
  const names = new Set([
    ...wanted.map(({ name }) => name),
    ...present.map(({ table }) => table),
    ...uncommented.keys(),
  ]);
  return [...names]
    .map((name) => {
      const old = present.find(({ table }) => table === name);
      const next = wanted.find((table) => table.name === name);
      return planTable(name, old, uncommented.get(name) ?? [], next);
    })
    .filter(({ chains, rules }) => chains.length > 0 || rules.length > 0);
}

function planTable(
  name: string,
  old: OwnPart | undefined,
  uncommented: readonly string[],
  next: TableLines | undefined,
): TableLines {
  const made = (next?.chains ?? []).map((line) => ({ line, chain: line.split(' ').at(-1) ?? '' }));
  const wanted = new Set(made.map(({ chain }) => chain));
  const there = old?.chains ?? [];
  const leaving = there.filter((chain) => !wanted.has(chain));
  const rules = [
    ...(old?.rules ?? []).map((rule) => rule.replace(/^-A /, '-D ')),
    ...uncommented.map((rule) => `-D ${rule}`),
    ...there.map((chain) => `-F ${chain}`),
    ...leaving.map((chain) => `-X ${chain}`),
    ...(next?.rules ?? []),
  ];
  const chains = made.filter(({ chain }) => !there.includes(chain)).map(({ line }) => line);
  return { name, chains, rules };
}
