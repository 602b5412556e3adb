// Vertices of the derivation graph: data cells that are written from outside, and computations over them. Only this package sees them.
// There are many of them, so they are plain records without closures, and most have one reader or none.
import type { Argument } from './collection.ts';

/** Anything a computation can have read. Its readers must hear of it when it changes. */
export interface Vertex {
  /** Time of the graph's clock at which the content last changed. */
  changedAt: number;
  /** Who has read it: nobody, one, a few, or many. Use the functions below. */
  readers: Computation | Computation[] | Set<Computation> | undefined;
  /** The run that noted this vertex last, so that a second read in one run costs nothing. */
  notedBy: number;
  /** Present on computations only. */
  readonly computation: Computation | undefined;
}

/** A vertex that holds data. `home` forgets it when nobody reads it any more. */
export interface Cell extends Vertex {
  readonly computation: undefined;
  readonly home: CellHome | undefined;
  readonly key: string;
}

/** Where cells are kept by key. */
export interface CellHome {
  forgetUnread(key: string): void;
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

/** What all results of one derivation share. */
export interface DerivationCore {
  readonly name: string;
  readonly compute: (...args: readonly Argument[]) => unknown;
  readonly equals: (before: unknown, after: unknown) => boolean;
  readonly counters: Counters;
  /** Takes a result out of the derivation's table. */
  forget(args: readonly Argument[]): void;
}

/** One result of a derivation for given arguments. */
export interface Computation extends Vertex {
  readonly computation: Computation;
  readonly derivation: DerivationCore;
  readonly args: readonly Argument[];
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

const none: readonly never[] = [];
// Up to so many readers are a list, which takes a fifth of the memory of a set and is looked through as fast.
const few = 8;

/** A new cell. */
export function makeCell(home?: CellHome, key = ''): Cell {
  return { changedAt: 0, readers: undefined, notedBy: 0, computation: undefined, home, key };
}

/** A computation that has not run yet. */
export function makeComputation(derivation: DerivationCore, args: readonly Argument[]): Computation {
  const blank: Omit<Computation, 'computation'> & { computation: Computation | undefined } = {
    changedAt: 0,
    readers: undefined,
    notedBy: 0,
    computation: undefined,
    derivation,
    args,
    freshness: 'dirty',
    checkedAt: 0,
    sources: none,
    watchers: none,
    hasResult: false,
    failed: false,
    result: undefined,
    running: false,
    rereads: 0,
    newSources: undefined,
    cursor: -1,
  };
  const computation = blank as Computation;
  blank.computation = computation;
  return computation;
}

/** Notes a reader; one that is noted already stays noted once. */
export function addReader(vertex: Vertex, reader: Computation): void {
  const { readers } = vertex;
  if (readers === reader) return;
  if (readers === undefined) vertex.readers = reader;
  else if (readers instanceof Set) readers.add(reader);
  else if (!Array.isArray(readers)) vertex.readers = [readers, reader];
  else if (!readers.includes(reader)) {
    if (readers.length < few) readers.push(reader);
    else vertex.readers = new Set(readers).add(reader);
  }
}

/** Forgets a reader. */
export function removeReader(vertex: Vertex, reader: Computation): void {
  const { readers } = vertex;
  if (readers === reader) vertex.readers = undefined;
  else if (readers instanceof Set) {
    if (readers.delete(reader) && readers.size === 0) vertex.readers = undefined;
  } else if (Array.isArray(readers)) {
    const place = readers.indexOf(reader);
    if (place >= 0) readers.splice(place, 1);
    if (readers.length === 0) vertex.readers = undefined;
  }
}

/** The readers, to be iterated over; must not be kept. */
export function readersOf({ readers }: Vertex): Iterable<Computation> {
  if (readers === undefined) return none;
  return readers instanceof Set || Array.isArray(readers) ? readers : [readers];
}
