// The heart of the graph: marks what may be stale when data changes, and brings a computation up to date when somebody asks for it.
import { addReader, type Cell, type Computation, readersOf, removeReader, type Vertex } from './vertex.ts';

/** What all vertices of one graph share. */
export interface Core {
  /** Grows with every change of data. */
  clock: number;
  /** Computations that are running now, the innermost last. */
  readonly path: Computation[];
  runId: number;
  lastRunId: number;
  /** Runs of computations so far. */
  recomputed: number;
  /** Watched computations that may have changed since their watches ran. */
  readonly awaited: Set<Computation>;
  /** Computations without readers and watches; forgotten when the batch ends. */
  readonly orphans: Set<Computation>;
  /** Cells that lost their last reader; forgotten when the batch ends if none came back. */
  readonly unread: Set<Cell>;
  /** What went wrong outside of computations, to be told when the batch ends. */
  readonly failures: { readonly error: unknown; readonly where: string }[];
}

/** A graph without vertices. */
export function makeCore(): Core {
  return {
    clock: 0,
    path: [],
    runId: 0,
    lastRunId: 0,
    recomputed: 0,
    awaited: new Set(),
    orphans: new Set(),
    unread: new Set(),
    failures: [],
  };
}

/** Notes that the running computation, if any, depends on a vertex. */
export function noteRead(core: Core, vertex: Vertex): void {
  const reader = core.path.at(-1);
  if (reader === undefined || vertex.notedBy === core.runId) return;
  vertex.notedBy = core.runId;
  if (reader.newSources !== undefined) reader.newSources.push(vertex);
  else if (reader.sources[reader.rereads] === vertex) reader.rereads++;
  else reader.newSources = [...reader.sources.slice(0, reader.rereads), vertex];
}

/** Tells everything downstream of a changed cell that it may be stale. Visits each vertex at most once until it is brought up to date. */
export function noteChange(core: Core, cell: Cell): void {
  cell.changedAt = ++core.clock;
  const reached: Computation[] = [];
  for (const reader of readersOf(cell)) {
    if (reader.freshness === 'current') reached.push(reader);
    reader.freshness = 'dirty';
  }
  for (const next of reached) {
    if (next.watchers.length > 0) core.awaited.add(next);
    for (const reader of readersOf(next)) {
      if (reader.freshness !== 'current') continue;
      reader.freshness = 'stale';
      reached.push(reader);
    }
  }
}

function cycleError(core: Core, again: Computation): Error {
  const from = core.path.indexOf(again);
  const names = [...core.path.slice(from), again].map(({ derivation }) => derivation.name);
  return new Error(`derivations must not depend on themselves: ${names.join(' → ')}`);
}

function sameFailure(before: unknown, after: unknown): boolean {
  return (
    before instanceof Error && after instanceof Error && before.message === after.message && before.name === after.name
  );
}

/**
 * Takes a reader off a vertex. What nobody reads any more is forgotten when the batch ends, not at once: a run that has read it may
 * still be going on.
 */
function detach(core: Core, reader: Computation, vertex: Vertex): void {
  removeReader(vertex, reader);
  if (vertex.readers !== undefined) return;
  if (vertex.computation === undefined) core.unread.add(vertex as Cell);
  else if (vertex.computation.watchers.length === 0) core.orphans.add(vertex.computation);
}

function settleSources(core: Core, computation: Computation): void {
  const { sources: before, rereads: start } = computation;
  if (computation.newSources === undefined && start === before.length) return;
  const after = computation.newSources ?? before.slice(0, start);
  computation.newSources = undefined;
  computation.sources = after;
  // Mostly one source stands in place of another: what is before and behind it stays as it is.
  let [endBefore, endAfter] = [before.length, after.length];
  while (endBefore > start && endAfter > start && before[endBefore - 1] === after[endAfter - 1]) {
    endBefore--;
    endAfter--;
  }
  const come = after.slice(start, endAfter);
  for (const vertex of come) {
    addReader(vertex, computation);
    if (vertex.computation !== undefined) core.orphans.delete(vertex.computation);
  }
  if (endBefore === start) return;
  const kept = new Set(come);
  for (const vertex of before.slice(start, endBefore)) if (!kept.has(vertex)) detach(core, computation, vertex);
}

function settleResult(core: Core, computation: Computation, failed: boolean, result: unknown): void {
  const unchanged =
    computation.hasResult &&
    computation.failed === failed &&
    (failed ? sameFailure(computation.result, result) : computation.derivation.equals(computation.result, result));
  computation.freshness = 'current';
  computation.checkedAt = core.clock;
  if (unchanged) return;
  computation.hasResult = true;
  computation.failed = failed;
  computation.result = result;
  computation.changedAt = core.clock;
}

function run(core: Core, computation: Computation): void {
  const outerRun = core.runId;
  core.path.push(computation);
  core.runId = ++core.lastRunId;
  computation.running = true;
  computation.rereads = 0;
  computation.derivation.counters.recomputed++;
  core.recomputed++;
  let failed = false;
  let result: unknown;
  try {
    result = computation.derivation.compute(...computation.args);
  } catch (error) {
    failed = true;
    result = error;
  }
  computation.running = false;
  core.path.pop();
  core.runId = outerRun;
  settleSources(core, computation);
  settleResult(core, computation, failed, result);
}

/**
 * Compares the sources of a stale computation in the order in which they were read. Returns one that must be brought up to date
 * first, or undefined when the verdict is in: `freshness` is then `current` or `dirty`.
 */
function findStaleSource(core: Core, computation: Computation): Computation | undefined {
  for (; computation.cursor < computation.sources.length; computation.cursor++) {
    const source = computation.sources[computation.cursor];
    if (source === undefined) break;
    const upstream = source.computation;
    if (upstream !== undefined && upstream.freshness !== 'current') {
      // A source that is being examined itself means a cycle, which only a run can tell apart from one that has been broken up.
      if (upstream.cursor >= 0 || upstream.running) break;
      return upstream;
    }
    if (source.changedAt > computation.checkedAt) break;
  }
  if (computation.cursor < computation.sources.length) {
    computation.freshness = 'dirty';
  } else {
    computation.freshness = 'current';
    computation.checkedAt = core.clock;
  }
  return undefined;
}

/**
 * Brings a computation up to date: recomputes it only when something that it read has changed. Walks upstream with its own stack, so
 * the length of a chain that was computed before does not matter. Errors of the computation are kept as its result.
 */
export function refresh(core: Core, wanted: Computation): void {
  if (wanted.freshness === 'current') return;
  if (wanted.running) throw cycleError(core, wanted);
  const pending: Computation[] = [wanted];
  for (let top = pending.at(-1); top !== undefined; top = pending.at(-1)) {
    if (top.freshness === 'stale') {
      if (top.cursor < 0) top.cursor = 0;
      const upstream = findStaleSource(core, top);
      if (upstream !== undefined) {
        pending.push(upstream);
        continue;
      }
    }
    top.cursor = -1;
    if (top.freshness === 'dirty') run(core, top);
    pending.pop();
  }
}

/** The value of an up-to-date computation; throws its error when it failed. */
export function resultOf(computation: Computation): unknown {
  if (computation.failed) throw computation.result;
  return computation.result;
}

function forgetOrphans(core: Core, limit: number): void {
  for (const orphan of core.orphans) {
    if (core.orphans.size <= limit) return;
    core.orphans.delete(orphan);
    if (orphan.readers !== undefined || orphan.watchers.length > 0) continue;
    orphan.derivation.forget(orphan.args);
    orphan.derivation.counters.kept--;
    orphan.freshness = 'dirty';
    const sources = orphan.sources;
    orphan.sources = [];
    for (const vertex of sources) detach(core, orphan, vertex);
  }
}

/** Forgets orphans, the oldest first, until at most `limit` are left, and whatever only they needed. Must not be called during a run. */
export function sweep(core: Core, limit: number): void {
  forgetOrphans(core, limit);
  for (const cell of core.unread) if (cell.readers === undefined) cell.home?.forgetUnread(cell.key);
  core.unread.clear();
}
