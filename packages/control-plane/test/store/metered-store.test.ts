// What the metrics say of writes: operation and type, how they ended, how many were committed together.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMeter } from '@ursa/telemetry';
import { openMemoryStore } from '../../src/store/memory-store.ts';
import { commitMetrics, meterStore } from '../../src/store/metered-store.ts';
import { put } from '../store-contract.ts';

test('writes are counted by what they do, and by how they end', async () => {
  const meter = createMeter();
  const written: number[] = [];
  const inner = openMemoryStore({ onCommit: commitMetrics(meter) });
  const store = meterStore(inner, { meter, onWritten: (revision) => written.push(revision) });
  await Promise.all([store.write([put('a', 1)]), store.write([put('b', 1)])]);
  await store.write(() => [put('a', 2)]);
  await assert.rejects(store.write([{ ...put('a', 3), expectedVersion: 99 }]));
  await assert.rejects(
    store.write(() => {
      throw new Error('a bug');
    }),
  );
  await store.write(() => []);
  await store.write([{ kind: 'delete', key: { type: 'MeshTimeout', mesh: 'default', name: 'a' } }]);
  const text = meter.text();
  for (const line of [
    'store_count{operation="create",resource_type="MeshTimeout"} 2',
    'store_count{operation="update",resource_type="MeshTimeout"} 1',
    'store_count{operation="delete",resource_type="MeshTimeout"} 1',
    'store_conflicts{resource_type="MeshTimeout"} 1',
    'store_writes_total{outcome="written"} 4',
    'store_writes_total{outcome="conflict"} 1',
    'store_writes_total{outcome="failed"} 1',
    'store_commit_writes_bucket{le="1"} 2',
    'store_commit_writes_bucket{le="2"} 3',
    'store_commit_seconds_count 3',
  ])
    assert.ok(text.includes(`${line}\n`), `${line} in\n${text}`);
  assert.deepEqual(
    written,
    [2, 2, 3, 4].map((revision, index) => (index === 0 ? 1 : revision)),
  );
  await store.close();
});
