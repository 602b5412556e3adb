// Structural sharing: values with equal content become one object, so that derivations keyed by them share their work.

/** Gives each content one frozen object. */
export interface Interner {
  /** The one object with this content. `content` must be plain JSON data; the order of its keys counts. */
  intern<Content extends object>(content: Content): Content;
  /** The first value that was given under this text, for content that the caller can say in a text but that is not plain data. */
  share<Value extends object>(text: string, value: Value): Value;
  /** The value that was given under this text, while somebody holds it. */
  find(text: string): object | undefined;
  /** Objects that are remembered now; those that nobody holds are forgotten in time. */
  readonly size: number;
}

function deepFreeze(value: unknown): void {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return;
  Object.freeze(value);
  for (const part of Object.values(value)) deepFreeze(part);
}

/** A table of its own. It holds its objects weakly: its memory is bounded by what is in use. */
export function createInterner(): Interner {
  const known = new Map<string, WeakRef<object>>();
  const forgotten = new FinalizationRegistry<string>((text) => {
    if (known.get(text)?.deref() === undefined) known.delete(text);
  });
  const share = <Value extends object>(text: string, value: Value): Value => {
    const found = known.get(text)?.deref();
    if (found !== undefined) return found as Value;
    known.set(text, new WeakRef(value));
    forgotten.register(value, text);
    return value;
  };
  return {
    get size() {
      return known.size;
    },
    intern(content) {
      const shared = share(JSON.stringify(content), content);
      if (shared === content) deepFreeze(content);
      return shared;
    },
    share,
    find: (text) => known.get(text)?.deref(),
  };
}
