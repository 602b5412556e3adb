// Watches a derivation for each key of a source. One key more costs nothing for the others, so that thousands of proxies may come one by one.
import type { Derivation, Followable, Graph, Watch } from './collection.ts';

/** What is told of a key. */
export interface EachWatcher<Value> {
  /** Its value, and what it was before; undefined at first. */
  readonly onValue: (key: string, value: Value, before: Value | undefined) => void;
  /** It is there no more; `last`: its last value. Where the value depends on what has gone, too, the value without it is told before. */
  readonly onGone: (key: string, last: Value) => void;
}

/** Watches `of` for each key of `source`. What has gone is told before what has come. */
export function watchEach<Value>(
  graph: Graph,
  source: Followable,
  of: Derivation<readonly [key: string], Value>,
  { onValue, onGone }: EachWatcher<Value>,
): { stop(): void } {
  const watches = new Map<string, { readonly watch: Watch<Value>; last: Value }>();
  const keys = source.follow();
  const follow = (): void => {
    const { gone, come } = keys.take();
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
  const revision = graph.derive(`keys of ${source.name}`, () => keys.revision());
  const membership = graph.watch(revision, [], follow);
  follow();
  return {
    stop() {
      membership.stop();
      keys.stop();
      for (const { watch } of watches.values()) watch.stop();
      watches.clear();
    },
  };
}
