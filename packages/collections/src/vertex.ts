// Vertices of the derivation graph: data cells that are written from outside, and computations over them. Only this package sees them.

/** Anything a computation can have read. Its readers must hear of it when it changes. */
export interface Vertex {
  /** Time of the graph's clock at which the content last changed. */
  changedAt: number;
  readonly readers: Set<Computation>;
  /** The run that noted this vertex last, so that a second read in one run costs nothing. */
  notedBy: number;
  /** Present on computations only. */
  readonly computation: Computation | undefined;
  /** Called when the last reader is gone, so that a cell nobody needs can be forgotten. */
  readonly onUnread: (() => void) | undefined;
}

/** `stale`: something upstream changed, perhaps without effect. `dirty`: a value that was read has changed, or nothing was computed yet. */
export type Freshness = 'current' | 'stale' | 'dirty';

/** A watch's side of a computation. */
export interface Watcher {
  /** `changedAt` of the result that was handed over last. */
  seenAt: number;
  readonly onChange: () => void;
}

/** Counters of one derivation name. */
export interface Counters {
  recomputed: number;
  kept: number;
}

/** One result of a derivation for given arguments. */
export interface Computation extends Vertex {
  readonly name: string;
  readonly compute: () => unknown;
  readonly equals: (before: unknown, after: unknown) => boolean;
  readonly counters: Counters;
  /** Takes the result out of its derivation's table. */
  readonly forget: () => void;
  freshness: Freshness;
  /** Time of the graph's clock at which the result was last known to be right. */
  checkedAt: number;
  /** What the last run read, in order. */
  sources: readonly Vertex[];
  watchers: readonly Watcher[];
  hasResult: boolean;
  failed: boolean;
  /** The value, or the error when `failed`. */
  result: unknown;
  running: boolean;
  /** How many of `sources` the current run has read again, in the same order. */
  rereads: number;
  /** What the current run has read, from the first deviation on. */
  newSources: Vertex[] | undefined;
  /** Next source to compare while the graph looks for a reason to recompute; -1 outside of that. */
  cursor: number;
}

/** A new cell: a vertex that holds data. */
export function makeCell(onUnread?: () => void): Vertex {
  return { changedAt: 0, readers: new Set(), notedBy: 0, computation: undefined, onUnread };
}
