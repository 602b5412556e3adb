// The vocabulary of the derivation graph: sources hold data, derivations compute from tracked reads, watches say what must be current.

/** Something that can be read by key. Reads inside a derivation are tracked: it re-runs only when a value it read has changed. */
export interface Collection<Value> {
  readonly name: string;
  get(key: string): Value | undefined;
  /** All keys, sorted. Tracks membership only, not values. */
  keys(): readonly string[];
  /** Looks up by what the values say: the keys of a bucket, sorted. Tracks the membership of that bucket only. */
  index(name: string, bucketsOf: (value: Value, key: string) => Iterable<string>): Index;
}

/** Buckets of keys over a collection. Asking twice for the same index name gives the same index. */
export interface Index {
  get(bucket: string): readonly string[];
}

/** A collection that is written from outside the graph. Writing an equal value changes nothing and wakes nobody. */
export interface Source<Value> extends Collection<Value>, Followable {
  set(key: string, value: Value): void;
  delete(key: string): void;
}

/** Something that has keys. */
export interface Followable {
  readonly name: string;
  /** Follows which keys there are, at the price of what changes: the list of all of them is never made for it. */
  follow(): KeyFollower;
}

/** Keys that have come and gone. */
export interface KeyChanges {
  readonly gone: Iterable<string>;
  readonly come: Iterable<string>;
}

/** Hears of the keys of a source. */
export interface KeyFollower {
  /** Another number whenever a key has come or gone. Tracked, as the list of keys is. */
  revision(): number;
  /** What has come and gone since this was last asked; the first time, all keys have come. */
  take(): KeyChanges;
  stop(): void;
}

/** An argument of a derivation: a primitive, or an object whose identity stands for its (frozen) content. */
export type Argument = string | number | boolean | null | undefined | object;

/**
 * A pure, synchronous function of its arguments and of what it reads from the graph, computed on demand and kept while it is current.
 * Equal arguments share one result. A recomputed value that equals the old one keeps the old identity and stops the wave (cut-off).
 */
export interface Derivation<Arguments extends readonly Argument[], Value> {
  readonly name: string;
  get(...args: Arguments): Value;
}

/** A result that is kept current: after each batch `onChange` gets the new value, once, if it changed. */
export interface Watch<Value> {
  readonly value: Value;
  stop(): void;
}

/** How results of a derivation, or values of a source, are compared. */
export interface DeriveOptions<Value> {
  /** Decides the cut-off. Default: identity, then deep equality. */
  readonly equals?: (before: Value, after: Value) => boolean;
}

/** Counters since the graph was made; tests assert them, metrics export them. */
export interface GraphStats {
  /** Runs of each derivation, by its name. */
  readonly recomputed: Readonly<Record<string, number>>;
  /** Results kept now, by derivation. */
  readonly kept: Readonly<Record<string, number>>;
}

/** A graph of derivations. */
export interface Graph {
  source<Value>(name: string, options?: DeriveOptions<Value>): Source<Value>;
  derive<Arguments extends readonly Argument[], Value>(
    name: string,
    compute: (...args: Arguments) => Value,
    options?: DeriveOptions<Value>,
  ): Derivation<Arguments, Value>;
  /** Applies changes as one: watches run after the outermost batch closes. A write outside a batch is a batch of its own. */
  batch(run: () => void): void;
  watch<Arguments extends readonly Argument[], Value>(
    derivation: Derivation<Arguments, Value>,
    args: Arguments,
    onChange: (value: Value) => void,
  ): Watch<Value>;
  stats(): GraphStats;
}
