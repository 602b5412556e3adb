// Random writes against a store and against a model of ten lines: both must agree on every answer, and on the feed.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { MeshError } from '@ursa/resources';
import fc from 'fast-check';
import { openEmbeddedStore } from '../../src/store/embedded-store.ts';
import { openMemoryStore } from '../../src/store/memory-store.ts';
import type { Store, StoreWrite } from '../../src/store/store.ts';
import { follow, put, remove } from '../store-contract.ts';

type Model = Map<string, { readonly version: number; readonly content: number }>;

/** What a group of writes should do: the new model, or the code of the error. */
function predict(model: Model, writes: readonly StoreWrite[]): Model | string {
  const next: Model = new Map(model);
  for (const write of writes) {
    const name = write.kind === 'put' ? write.resource.name : write.key.name;
    const found = next.get(name);
    if (write.expectedVersion !== undefined && write.expectedVersion !== (found?.version ?? 0))
      return 'precondition-failed';
    if (write.kind === 'delete') {
      if (found === undefined) return 'not-found';
      next.delete(name);
      continue;
    }
    const { content } = write.resource.spec as { readonly content: number };
    if (found?.content !== content) next.set(name, { version: (found?.version ?? 0) + 1, content });
  }
  return next;
}

const name = fc.constantFrom('a', 'b', 'c');
const version = fc.option(fc.integer({ min: 0, max: 3 }), { nil: undefined, freq: 2 });
const write = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.tuple(name, fc.integer({ min: 0, max: 2 }), version).map(([who, what, seen]) => put(who, what, seen)),
  },
  { weight: 1, arbitrary: fc.tuple(name, version).map(([who, seen]) => remove(who, seen)) },
);
const groups = fc.array(fc.array(write, { minLength: 1, maxLength: 4 }), { maxLength: 12 });

async function agree(store: Store, calls: readonly (readonly StoreWrite[])[]): Promise<void> {
  const { resources, changes } = follow(store);
  let model: Model = new Map();
  const outcomes = await Promise.allSettled(calls.map((writes) => store.write(writes)));
  for (const [position, writes] of calls.entries()) {
    const predicted = predict(model, writes);
    const outcome = outcomes[position];
    if (typeof predicted === 'string') {
      assert.equal(outcome?.status, 'rejected');
      assert.equal(outcome.reason instanceof MeshError && outcome.reason.code, predicted);
    } else {
      assert.equal(outcome?.status, 'fulfilled');
      model = predicted;
    }
  }
  const stored = [...resources.values()].map((resource) => [resource.name, resource.version, resource.spec]);
  const expected = [...model].map(([who, { version: seen, content }]) => [who, seen, { content }]);
  assert.deepEqual(stored.toSorted(), expected.toSorted());
  assert.deepEqual(
    changes.map(({ revision }) => revision),
    changes.map((_, position) => position + 1),
  );
}

test('the memory store does what the model says', async () => {
  await fc.assert(
    fc.asyncProperty(groups, (calls) => agree(openMemoryStore(), calls)),
    { numRuns: 300 },
  );
});

test('the embedded store does what the model says, and still says so after a restart', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ursa-model-'));
  let run = 0;
  await fc.assert(
    fc.asyncProperty(groups, async (calls) => {
      run += 1;
      const file = join(folder, String(run), 'store.db');
      const store = openEmbeddedStore(file);
      await agree(store, calls);
      const before = follow(store).resources;
      await store.close();
      const reopened = openEmbeddedStore(file);
      assert.deepEqual(follow(reopened).resources, before);
      await reopened.close();
    }),
    { numRuns: 40 },
  );
  rmSync(folder, { recursive: true, force: true });
});
