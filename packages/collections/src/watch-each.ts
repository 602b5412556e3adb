// Watches a derivation for each key of a list that grows and shrinks. One key more costs a pass over the list and nothing for the others, so that
// thousands of proxies may come one by one.
import type { Derivation, Graph, Watch } from './collection.ts';

/** What is told of a key. */
export interface EachWatcher<Value> {
  /** Its value, and what it was before; undefined at first. */
  readonly onValue: (key: string, value: Value, before: Value | undefined) => void;
  /** It is in the list no more; `last`: its last value. Where the value depends on what has gone, too, the value without it is told before. */
  readonly onGone: (key: string, last: Value) => void;
}

/** Watches `of` for each of `keys`, which must be sorted as the keys of a collection are. What has gone is told before what has come. */
export function watchEach<Value>(
  graph: Graph,
  keys: Derivation<readonly [], readonly string[]>,
  of: Derivation<readonly [key: string], Value>,
  { onValue, onGone }: EachWatcher<Value>,
): { stop(): void } {
  const watches = new Map<string, { readonly watch: Watch<Value>; last: Value }>();
  let known: readonly string[] = [];
  const follow = (list: readonly string[]): void => {
    const { gone, come } = compareSorted(known, list);
    known = list;
    for (const key of gone) {
      const entry = watches.get(key);
      watches.delete(key);
      entry?.watch.stop();
      if (entry !== undefined) onGone(key, entry.last);
    }
    for (const key of come) {
      const watch = graph.watch(of, [key], (value) => {
        const before = entry.last;
        entry.last = value;
        onValue(key, value, before);
      });
      const entry = { watch, last: watch.value };
      watches.set(key, entry);
      onValue(key, entry.last, undefined);
    }
  };
  const list = graph.watch(keys, [], follow);
  follow(list.value);
  return {
    stop() {
      list.stop();
      for (const { watch } of watches.values()) watch.stop();
      watches.clear();
    },
  };
}

/** What two sorted lists without repetitions do not have in common. */
function compareSorted(
  before: readonly string[],
  after: readonly string[],
): { readonly gone: readonly string[]; readonly come: readonly string[] } {
  const gone: string[] = [];
  const come: string[] = [];
  let next = 0;
  for (const key of after) {
    for (let former = before[next]; former !== undefined && former < key; former = before[++next]) gone.push(former);
    if (before[next] === key) next += 1;
    else come.push(key);
  }
  for (const key of before.slice(next)) gone.push(key);
  return { gone, come };
}
