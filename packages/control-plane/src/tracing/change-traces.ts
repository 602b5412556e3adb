// Follows traced changes from the store to the last answer of a proxy: one span for the roll-out of a change, below it one for the derivation
// and one for each batch of pushes. Nothing is done for a change that no recorded trace has caused.
import type { PropagatedChange, PropagationObserver } from '../xds/propagation.ts';
import { below, type TraceContext } from './trace-context.ts';
import type { Tracer } from './tracer.ts';

/** Follows changes for traces. */
export interface ChangeTraces extends PropagationObserver {
  /** A batch of changes was worked out; before `applied` is told of it. */
  worked(milliseconds: number, recomputed: number): void;
  /** All changes up to the revision are worked out, for so many proxies. */
  applied(revision: number, proxies: number): void;
  /** A request has led to a revision. */
  written(revision: number, request: TraceContext): void;
}

interface Batch {
  readonly revision: number;
  readonly proxies: number;
  readonly end: number;
  readonly milliseconds: number;
  readonly recomputed: number;
}

/** A change on its way, in the traces of the requests that caused it. */
interface Traced {
  readonly start: number;
  readonly places: readonly { readonly request: TraceContext; readonly rollout: TraceContext }[];
  batches: number;
  pushing: Pushes | undefined;
}

interface Pushes {
  readonly start: number;
  readonly proxies: Set<object>;
  end: number;
  responses: number;
  bytes: number;
}

// A write learns of its revision in the same turn of the event loop; more than a few batches never lie between.
const batchesKept = 16;
// Changes followed at a time; and batches of pushes told of one by one, the rest of a change in one more.
const mostTraced = 64;
const mostBatches = 32;

/** Follows nothing yet. */
export function openChangeTraces(tracer: Tracer): ChangeTraces {
  const batches: Batch[] = [];
  const traced = new Map<number, Traced>();
  let lastWork = { milliseconds: 0, recomputed: 0 };

  const follow = (batch: Batch, request: TraceContext): void => {
    const rollout = below(request);
    const start = batch.end - batch.milliseconds;
    tracer.record({
      parent: rollout,
      name: 'derive',
      start,
      end: batch.end,
      attributes: [
        ['mesh.recomputed', batch.recomputed],
        ['mesh.proxies', batch.proxies],
      ],
    });
    const known = traced.get(batch.revision);
    const places = [...(known?.places ?? []), { request, rollout }];
    const change: Traced = { start, batches: 0, pushing: undefined, ...known, places };
    if (batch.proxies === 0) {
      conclude(batch.revision, { ...change, places: [{ request, rollout }] }, undefined);
      return;
    }
    traced.set(batch.revision, change);
    if (traced.size <= mostTraced) return;
    const [oldest] = traced;
    if (oldest !== undefined) conclude(...oldest, undefined);
  };

  const conclude = (revision: number, change: Traced, arrived: PropagatedChange | undefined): void => {
    traced.delete(revision);
    closeBatch(change);
    const { proxies = 0, refused = 0, gone = 0 } = arrived ?? {};
    for (const { request, rollout } of change.places) {
      tracer.record({
        parent: request,
        place: rollout,
        name: 'rollout',
        start: change.start,
        end: tracer.now(),
        attributes: [
          ['mesh.store.revision', revision],
          ['mesh.proxies', proxies],
          ['mesh.proxies.refused', refused],
          ['mesh.proxies.gone', gone],
        ],
        error: refused > 0 ? `${refused} proxies refused something` : undefined,
      });
    }
  };

  const closeBatch = (change: Traced): void => {
    const { pushing } = change;
    if (pushing === undefined) return;
    change.pushing = undefined;
    change.batches += 1;
    for (const { rollout } of change.places) {
      tracer.record({
        parent: rollout,
        name: 'push',
        kind: 'producer',
        start: pushing.start,
        end: pushing.end,
        attributes: [
          ['mesh.proxies', pushing.proxies.size],
          ['mesh.responses', pushing.responses],
          ['mesh.bytes', pushing.bytes],
        ],
      });
    }
  };

  return {
    worked(milliseconds, recomputed) {
      lastWork = { milliseconds, recomputed };
    },
    applied(revision, proxies) {
      batches.push({ revision, proxies, end: tracer.now(), ...lastWork });
      if (batches.length > batchesKept) batches.shift();
    },
    written(revision, request) {
      const batch = batches.find((candidate) => candidate.revision >= revision);
      if (batch !== undefined) follow(batch, request);
    },
    pushed(revision, bytes, proxy) {
      const change = traced.get(revision);
      if (change === undefined) return;
      const now = tracer.now();
      if (change.pushing === undefined) {
        change.pushing = { start: now, end: now, proxies: new Set(), responses: 0, bytes: 0 };
        // What is pushed in one turn of the event loop is a batch.
        if (change.batches < mostBatches) setImmediate(() => closeBatch(change));
      }
      const { pushing } = change;
      pushing.end = now;
      pushing.proxies.add(proxy);
      pushing.responses += 1;
      pushing.bytes += bytes;
    },
    arrived(change) {
      const followed = traced.get(change.revision);
      if (followed !== undefined) conclude(change.revision, followed, change);
    },
  };
}
