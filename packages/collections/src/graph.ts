// Puts the graph together: sources, derivations, batches and watches over one core.
import { makeArgumentTable } from './argument-table.ts';
import type { Argument, Derivation, DeriveOptions, Graph, Source, Watch } from './collection.ts';
import { deepEqual } from './deep-equal.ts';
import { type Core, makeCore, noteRead, refresh, resultOf, sweep } from './recompute.ts';
import { makeSource } from './source.ts';
import { type Computation, type Counters, type DerivationCore, makeComputation, type Watcher } from './vertex.ts';

/** Results that were read from outside and that nobody watches: so many are kept between two batches. */
const keptOrphans = 1024;

/** Settings of a graph. */
export interface GraphOptions {
  /**
   * Gets what a watch's callback threw, the error of a watched derivation that failed, and that of a value which could not be indexed.
   * Default: the first one is thrown to whoever ended the batch, after all changes are made and all watches have run.
   */
  readonly onError?: (error: unknown, where: string) => void;
  /** Watches the graph at work, for metrics and traces. The graph itself knows no time. */
  readonly observer?: GraphObserver;
}

/** Hears how long work takes. Its functions must not throw. */
export interface GraphObserver {
  /** Any clock, in milliseconds. */
  now(): number;
  /** A watched result was brought up to date. What several results need counts for the first of them. */
  refreshed(derivation: string, args: readonly Argument[], milliseconds: number, changed: boolean): void;
  /** A batch is through, watches included; `recomputed`: runs of derivations in it. */
  closed(milliseconds: number, recomputed: number): void;
}

/** Brings a watched computation up to date and tells how long that took. */
function refreshWatched(core: Core, computation: Computation, observer: GraphObserver | undefined): void {
  if (observer === undefined) {
    refresh(core, computation);
    return;
  }
  const { changedAt, hasResult } = computation;
  const started = observer.now();
  refresh(core, computation);
  const changed = !hasResult || computation.changedAt !== changedAt;
  observer.refreshed(computation.derivation.name, computation.args, observer.now() - started, changed);
}

/** Reads a computation for whoever asks: another computation, or code outside of the graph. */
function read(core: Core, computation: Computation): unknown {
  const outside = core.path.length === 0;
  if (!outside) noteRead(core, computation);
  refresh(core, computation);
  if (outside && computation.readers === undefined && computation.watchers.length === 0) {
    core.orphans.delete(computation);
    core.orphans.add(computation);
    if (core.orphans.size > keptOrphans) sweep(core, keptOrphans);
  }
  return resultOf(computation);
}

/** Runs the watches of everything that has changed, until nothing is left. What goes wrong is noted among the failures. */
function runWatches(core: Core, observer: GraphObserver | undefined): void {
  for (const computation of core.awaited) {
    core.awaited.delete(computation);
    if (computation.watchers.length === 0) continue;
    refreshWatched(core, computation, observer);
    const where = computation.derivation.name;
    for (const watcher of computation.watchers) {
      if (watcher.seenAt === computation.changedAt) continue;
      watcher.seenAt = computation.changedAt;
      if (computation.failed) {
        core.failures.push({ error: computation.result, where });
        continue;
      }
      try {
        watcher.onChange();
      } catch (error) {
        core.failures.push({ error, where });
      }
    }
  }
}

/** Tells what went wrong; without a listener the first failure is thrown. */
function tellFailures(core: Core, onError: GraphOptions['onError']): void {
  const failures = core.failures.splice(0);
  if (onError === undefined) {
    for (const { error } of failures) throw error;
  } else {
    for (const { error, where } of failures) onError(error, where);
  }
}

/** An empty graph of derivations. All of it is synchronous; nothing is computed before it is read or watched. */
export function createGraph(options: GraphOptions = {}): Graph {
  const core = makeCore();
  const counters = new Map<string, Counters>();
  const computationsOf = new WeakMap<object, (args: readonly Argument[]) => Computation>();
  const { observer } = options;
  let depth = 0;
  let closing = false;

  const close = (): void => {
    if (closing) return;
    closing = true;
    const started = observer?.now() ?? 0;
    const { recomputed } = core;
    try {
      runWatches(core, observer);
      sweep(core, 0);
      tellFailures(core, options.onError);
    } finally {
      closing = false;
      observer?.closed(observer.now() - started, core.recomputed - recomputed);
    }
  };
  const batch = (run: () => void): void => {
    const writer = core.path.at(-1);
    if (writer !== undefined) throw new Error(`the derivation ${writer.derivation.name} must not write to the graph`);
    depth++;
    try {
      run();
    } finally {
      depth--;
      if (depth === 0) close();
    }
  };
  const countersOf = (name: string): Counters => {
    let found = counters.get(name);
    if (found === undefined) {
      found = { recomputed: 0, kept: 0 };
      counters.set(name, found);
    }
    return found;
  };

  return {
    source<Value>(name: string, sourceOptions: DeriveOptions<Value> = {}): Source<Value> {
      return makeSource<Value>(core, name, sourceOptions.equals ?? deepEqual, batch);
    },
    derive<Arguments extends readonly Argument[], Value>(
      name: string,
      compute: (...args: Arguments) => Value,
      deriveOptions: DeriveOptions<Value> = {},
    ): Derivation<Arguments, Value> {
      const table = makeArgumentTable<Computation>();
      const own: DerivationCore = {
        name,
        compute: compute as DerivationCore['compute'],
        equals: (deriveOptions.equals ?? deepEqual) as DerivationCore['equals'],
        counters: countersOf(name),
        forget: (args) => table.remove(args),
      };
      const computationOf = (args: readonly Argument[]): Computation => {
        let computation = table.find(args);
        if (computation === undefined) {
          computation = makeComputation(own, args);
          own.counters.kept++;
          table.add(args, computation);
        }
        return computation;
      };
      const derivation: Derivation<Arguments, Value> = {
        name,
        get: (...args: Arguments) => read(core, computationOf(args)) as Value,
      };
      computationsOf.set(derivation, computationOf);
      return derivation;
    },
    batch,
    watch<Arguments extends readonly Argument[], Value>(
      derivation: Derivation<Arguments, Value>,
      args: Arguments,
      onChange: (value: Value) => void,
    ): Watch<Value> {
      if (core.path.length > 0) throw new Error('a derivation must not watch: read instead');
      const computation = computationsOf.get(derivation)?.(args);
      if (computation === undefined) throw new Error(`the derivation ${derivation.name} belongs to another graph`);
      refreshWatched(core, computation, observer);
      const value = resultOf(computation) as Value;
      const watcher: Watcher = { seenAt: computation.changedAt, onChange: () => onChange(computation.result as Value) };
      computation.watchers = [...computation.watchers, watcher];
      core.orphans.delete(computation);
      let last = value;
      return {
        get value() {
          if (computation.watchers.includes(watcher)) last = read(core, computation) as Value;
          return last;
        },
        stop() {
          computation.watchers = computation.watchers.filter((other) => other !== watcher);
          if (computation.watchers.length === 0 && computation.readers === undefined) core.orphans.add(computation);
        },
      };
    },
    stats() {
      const recomputed: Record<string, number> = {};
      const kept: Record<string, number> = {};
      for (const [name, counts] of counters) {
        recomputed[name] = counts.recomputed;
        kept[name] = counts.kept;
      }
      return { recomputed, kept };
    },
  };
}
