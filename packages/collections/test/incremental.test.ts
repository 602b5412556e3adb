// The guard of the whole design: after any sequence of changes, what the graph holds equals what a fresh graph computes from the same data.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createGraph, type Graph, type Source, type Watch } from '../src/index.ts';

interface Item {
  readonly group: string;
  readonly next: string;
  readonly weight: number;
}

interface Model {
  readonly graph: Graph;
  readonly items: Source<Item>;
  /** What the watch was given last, which must be as right as what it gives when asked. */
  watch(key: string): { last(): string; stop(): void };
}

const keys = ['a', 'b', 'c', 'd', 'e'];

function openModel(): Model {
  const graph = createGraph({ onError: () => {} });
  const items = graph.source<Item>('items');
  const byGroup = items.index('group', (item) => [item.group, item.next]);
  const weight = graph.derive('weight', (group: string) =>
    byGroup.get(group).reduce((sum, key) => sum + (items.get(key)?.weight ?? 0), 0),
  );
  const path: { get(key: string, steps: number): string } = graph.derive('path', (key: string, steps: number) => {
    const item = items.get(key);
    if (item === undefined) return `${key}!`;
    if (item.weight === 13) throw new Error(`unlucky ${key}`);
    return steps === 0 ? key : `${key}(${weight.get(item.group)})>${path.get(item.next, steps - 1)}`;
  });
  const report = graph.derive('report', (key: string) => {
    try {
      return `${items.keys().length} ${path.get(key, 3)}`;
    } catch (error) {
      return String(error);
    }
  });
  const watch = (key: string) => {
    let given: string | undefined;
    const watched: Watch<string> = graph.watch(report, [key], (value) => {
      given = value;
    });
    const first = watched.value;
    return { last: () => given ?? first, stop: () => watched.stop() };
  };
  return { graph, items, watch };
}

const key = fc.constantFrom(...keys);
const item = fc.record({ group: key, next: key, weight: fc.constantFrom(1, 2, 13) });
const change = fc.oneof(
  fc.record({ kind: fc.constant('set' as const), key, item }),
  fc.record({ kind: fc.constant('delete' as const), key }),
  fc.record({ kind: fc.constant('watch' as const), key }),
  fc.record({ kind: fc.constant('stop' as const), key }),
);

test('after any sequence of batches every watched result equals the one computed from scratch', () => {
  const property = fc.property(fc.array(fc.array(change, { maxLength: 4 }), { maxLength: 12 }), (batches) => {
    const model = openModel();
    const watches = new Map<string, ReturnType<Model['watch']>>();
    const data = new Map<string, Item>();
    for (const batch of batches) {
      model.graph.batch(() => {
        for (const step of batch) {
          if (step.kind === 'set') {
            model.items.set(step.key, step.item);
            data.set(step.key, step.item);
          } else if (step.kind === 'delete') {
            model.items.delete(step.key);
            data.delete(step.key);
          }
        }
      });
      for (const step of batch) {
        if (step.kind === 'watch' && !watches.has(step.key)) watches.set(step.key, model.watch(step.key));
        if (step.kind === 'stop') {
          watches.get(step.key)?.stop();
          watches.delete(step.key);
        }
      }
      const fresh = openModel();
      for (const [name, value] of data) fresh.items.set(name, value);
      for (const [name, watch] of watches) assert.equal(watch.last(), fresh.watch(name).last());
    }
    for (const watch of watches.values()) watch.stop();
    model.graph.batch(() => {});
    assert.deepEqual(model.graph.stats().kept, { weight: 0, path: 0, report: 0 });
  });
  fc.assert(property, { numRuns: 300, seed: 20261123 });
});
