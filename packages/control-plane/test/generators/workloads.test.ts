// Workloads: made from the label of Dataplanes, with the numbers of their proxies, gone with the last of them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Store } from '../../src/store/store.ts';
import { startGenerators } from './mesh-services.ts';

const mesh = (name: string) => ({ type: 'Mesh', name });
const dataplane = (name: string, workload: string | undefined, inbound: object = {}, meshName = 'm1') => ({
  type: 'Dataplane',
  mesh: meshName,
  name,
  ...(workload === undefined ? {} : { labels: { 'kuma.io/workload': workload } }),
  networking: {
    address: '192.0.2.1',
    inbound: [{ port: 8080, tags: { 'kuma.io/service': 'web' }, ...inbound }],
  },
});
const time = '2026-11-23T12:00:00Z';

async function tell(store: Store, name: string, disconnectTime?: string): Promise<void> {
  const subscription = { id: '1', controlPlaneInstanceId: 'cp', connectTime: time, status: {} };
  const spec = { subscriptions: [{ ...subscription, ...(disconnectTime === undefined ? {} : { disconnectTime }) }] };
  await store.write([{ kind: 'put', resource: { type: 'DataplaneInsight', mesh: 'm1', name, labels: {}, spec } }]);
}

test('a workload comes complete with its first Dataplane, and counts all that carry its name', async () => {
  const run = await startGenerators();
  await run.apply(mesh('m1'), mesh('m2'));
  await run.settle();
  const before = run.revision();
  await run.apply(dataplane('a-1', 'pay'), dataplane('a-2', 'pay', { state: 'NotReady' }), dataplane('b-1', undefined));
  await run.settle();
  assert.equal(run.revision(), before + 4);
  await run.apply(dataplane('c-1', 'pay', {}, 'm2'), dataplane('a-3', 'pay', { state: 'Ignored' }));
  await run.settle();
  assert.deepEqual(run.workload('m1/pay')?.status, { dataplaneProxies: { connected: 0, healthy: 2, total: 3 } });
  assert.deepEqual(run.workload('m2/pay')?.status, { dataplaneProxies: { connected: 0, healthy: 1, total: 1 } });
  assert.deepEqual(run.workload('m1/pay')?.labels, {
    'kuma.io/env': 'universal',
    'kuma.io/managed-by': 'workload-generator',
    'kuma.io/mesh': 'm1',
    'kuma.io/zone': 'default',
  });
  await run.stop();
});

test('the status follows connections and health, and is not written when nothing that it says has changed', async () => {
  const run = await startGenerators();
  await run.apply(mesh('m1'), dataplane('a-1', 'pay'), dataplane('a-2', 'pay'));
  await run.settle();
  await tell(run.store, 'a-1');
  await run.settle();
  const counts = () => run.workload('m1/pay')?.status?.dataplaneProxies;
  assert.deepEqual(counts(), { connected: 1, healthy: 2, total: 2 });
  await run.apply(dataplane('a-1', 'pay', { state: 'NotReady' }));
  await run.settle();
  assert.deepEqual(counts(), { connected: 1, healthy: 1, total: 2 });
  const revision = run.revision();
  await run.apply(dataplane('a-2', 'pay', { servicePort: 9090 }));
  await run.settle();
  assert.equal(run.revision(), revision + 1);
  await tell(run.store, 'a-1', time);
  await run.settle();
  assert.deepEqual(counts(), { connected: 0, healthy: 1, total: 2 });
  await run.stop();
});

test('a change of one Dataplane recomputes its own workload and no other', async () => {
  const run = await startGenerators();
  const documents = Array.from({ length: 60 }, (_, number) => dataplane(`web-${number}`, `w-${number % 20}`));
  await run.apply(mesh('m1'), ...documents);
  await run.settle();
  const before = run.live.graph.stats().recomputed;
  await run.apply(dataplane('web-7', 'w-7', { state: 'NotReady' }));
  await run.settle();
  assert.deepEqual(run.workload('m1/w-7')?.status?.dataplaneProxies, { connected: 0, healthy: 2, total: 3 });
  const after = run.live.graph.stats().recomputed;
  const runs = (name: string) => (after[name] ?? 0) - (before[name] ?? 0);
  // Once for the Dataplane, once for the workload that was written.
  assert.ok(runs('workload-plan/one') <= 2, `${runs('workload-plan/one')} plans`);
  assert.equal(runs('workload-member'), 1);
  assert.equal(runs('wanted-workloads'), 0);
  await run.stop();
});

test('a workload goes with its last Dataplane, whether that is deleted or belongs elsewhere now', async () => {
  const run = await startGenerators();
  await run.apply(mesh('m1'), dataplane('a-1', 'pay'), dataplane('a-2', 'pay'));
  await run.settle();
  await run.delete('Dataplane', 'm1', 'a-1');
  await run.settle();
  assert.equal(run.workload('m1/pay')?.status?.dataplaneProxies?.total, 1);
  await run.apply(dataplane('a-2', 'bill'));
  await run.settle();
  assert.equal(run.workload('m1/pay'), undefined);
  assert.equal(run.workload('m1/bill')?.status?.dataplaneProxies?.total, 1);
  await run.apply(dataplane('a-2', undefined));
  await run.settle();
  assert.equal(run.workload('m1/bill'), undefined);
  await run.stop();
});

test('a workload that a user has made stays, and says how its proxies fare', async () => {
  const run = await startGenerators();
  await run.apply(mesh('m1'), { type: 'Workload', mesh: 'm1', name: 'pay', labels: { team: 'a' }, spec: {} });
  await run.settle();
  await run.apply(dataplane('a-1', 'pay'));
  await run.settle();
  assert.deepEqual(run.workload('m1/pay')?.status, { dataplaneProxies: { connected: 0, healthy: 1, total: 1 } });
  assert.equal(run.workload('m1/pay')?.labels.team, 'a');
  await run.delete('Dataplane', 'm1', 'a-1');
  await run.settle();
  assert.deepEqual(run.workload('m1/pay')?.status, { dataplaneProxies: { connected: 0, healthy: 0, total: 0 } });
  await run.stop();
});

test('a label that could not be a name, as older stores may hold one, makes no Workload', async () => {
  const run = await startGenerators();
  await run.apply(mesh('m1'), dataplane('a-1', undefined));
  await run.settle();
  const stored = run.live.resources('Dataplane').get('m1/a-1');
  assert.ok(stored);
  const labels = { ...stored.labels, 'kuma.io/workload': 'pay/all' };
  await run.store.write([{ kind: 'put', resource: { ...stored, labels } }]);
  const revision = run.revision();
  await run.settle();
  assert.equal(run.revision(), revision);
  await run.stop();
});

test('Workloads of other zones stay as those zones have counted them', async () => {
  const run = await startGenerators();
  await run.apply(mesh('m1'));
  const status = { dataplaneProxies: { connected: 3, healthy: 3, total: 3 } };
  const labels = { 'kuma.io/managed-by': 'workload-generator', 'kuma.io/zone': 'east' };
  await run.store.write([
    { kind: 'put', resource: { type: 'Workload', mesh: 'm1', name: 'far', labels, spec: {}, status } },
  ]);
  await run.settle();
  assert.deepEqual(run.workload('m1/far')?.status, status);
  await run.stop();
});
