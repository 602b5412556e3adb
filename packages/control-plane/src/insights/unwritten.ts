// What waits to be written, oldest first: each thing once, and of one owner only the newest few, however long the store cannot be written.

/** Things that wait. */
export interface Unwritten<Item extends object> {
  add(items: readonly Item[]): void;
  /** Takes out the oldest. */
  take(most: number): readonly Item[];
  /** Puts what was taken and could not be written before everything else. */
  putBack(items: readonly Item[]): void;
}

/** Nothing waits yet. Of one owner at most `perOwner` things wait; older ones are dropped for newer ones. */
export function openUnwritten<Item extends object>(ownerOf: (item: Item) => string, perOwner: number): Unwritten<Item> {
  let waiting = new Set<Item>();
  const byOwner = new Map<string, Item[]>();

  const remove = (item: Item): void => {
    waiting.delete(item);
    const owner = ownerOf(item);
    const rest = byOwner.get(owner)?.filter((each) => each !== item) ?? [];
    if (rest.length === 0) byOwner.delete(owner);
    else byOwner.set(owner, rest);
  };
  const add = (item: Item): void => {
    if (waiting.has(item)) return;
    waiting.add(item);
    const owner = ownerOf(item);
    const owned = [...(byOwner.get(owner) ?? []), item];
    byOwner.set(owner, owned);
    const [oldest] = owned;
    if (owned.length > perOwner && oldest !== undefined) remove(oldest);
  };

  return {
    add(items) {
      for (const item of items) add(item);
    },
    take(most) {
      const taken = [...waiting].slice(0, most);
      for (const item of taken) remove(item);
      return taken;
    },
    putBack(items) {
      const newer = [...waiting];
      waiting = new Set();
      byOwner.clear();
      for (const item of [...items, ...newer]) add(item);
    },
  };
}
