// Counts and times what goes through a store, whatever store it is.
import { MeshError } from '@ursa/resources';
import type { Meter } from '@ursa/telemetry';
import type { Commit } from './serial-store.ts';
import type { Store, StoreContent, StoreWrite } from './store.ts';

/** Declares the metrics of commits; what it returns is told of each. */
export function commitMetrics(meter: Meter): (commit: Commit) => void {
  const seconds = meter
    .histogram(
      'store_commit_seconds',
      'Time until writes were durable, those that were committed together counted once.',
      [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5],
    )
    .of();
  const writes = meter
    .histogram('store_commit_writes', 'Writes that were committed together.', [1, 2, 5, 10, 20, 50, 100, 500])
    .of();
  return (commit) => {
    seconds.observe(commit.milliseconds / 1000);
    writes.observe(commit.writes);
  };
}

const outcomes: Readonly<Partial<Record<MeshError['code'], string>>> = {
  'precondition-failed': 'conflict',
  unavailable: 'unavailable',
};

/** How writes are metered. */
export interface MeteringOptions {
  readonly meter: Meter;
  /** Told of each write that is stored: its revision, and when it began. */
  readonly onWritten?: (revision: number, started: number) => void;
  /** Milliseconds, of any clock. */
  readonly now?: () => number;
}

/** The store, with its writes in the metrics. */
export function meterStore(store: Store, options: MeteringOptions): Store {
  const { meter, onWritten, now = () => performance.now() } = options;
  const durations = meter.histogram(
    'store',
    'Time a write took, in seconds, by what it does to a type of resource. Reads are answered from memory.',
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    ['operation', 'resource_type'],
  );
  const conflicts = meter.counter('store_conflicts', 'Writes that were refused because somebody else wrote first.', [
    'resource_type',
  ]);
  const results = meter.counter(
    'store_writes_total',
    'Writes by how they ended: written, refused by a rule, conflict, unavailable.',
    ['outcome'],
  );
  return {
    async write(writes) {
      const started = now();
      let decided: readonly StoreWrite[] = [];
      let operations: readonly (readonly [operation: string, type: string])[] = [];
      const decide = (content: StoreContent): readonly StoreWrite[] => {
        decided = typeof writes === 'function' ? writes(content) : writes;
        operations = operationsOf(decided, content);
        return decided;
      };
      try {
        const result = await store.write(decide);
        const seconds = (now() - started) / 1000;
        for (const [operation, type] of operations) durations.of(operation, type).observe(seconds);
        if (operations.length > 0) {
          results.of('written').value += 1;
          onWritten?.(result.revision, started);
        }
        return result;
      } catch (error) {
        const outcome = error instanceof MeshError ? (outcomes[error.code] ?? 'refused') : 'failed';
        results.of(outcome).value += 1;
        if (outcome === 'conflict') for (const type of typesOf(decided)) conflicts.of(type).value += 1;
        throw error;
      }
    },
    revision: () => store.revision(),
    changes: (listener) => store.changes(listener),
    health: () => store.health(),
    close: () => store.close(),
  };
}

/** What the writes do, each kind of thing once: a thousand insights written together are one update of their type. */
function operationsOf(writes: readonly StoreWrite[], content: StoreContent) {
  const found = new Map<string, readonly [string, string]>();
  for (const write of writes) {
    const { type } = write.kind === 'put' ? write.resource : write.key;
    const operation =
      write.kind === 'delete' ? 'delete' : content.get(write.resource) === undefined ? 'create' : 'update';
    found.set(`${operation} ${type}`, [operation, type]);
  }
  return [...found.values()];
}

function typesOf(writes: readonly StoreWrite[]): ReadonlySet<string> {
  return new Set(writes.map((write) => (write.kind === 'put' ? write.resource.type : write.key.type)));
}
