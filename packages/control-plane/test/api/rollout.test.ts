// `_rollout`: counts, names by page, what waits and until when.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ResourceKey } from '@ursa/resources';
import { type Delivery, followDelivery } from '../../src/xds/delivery.ts';
import { openRollout } from '../../src/xds/rollout.ts';
import { configurationOf, edsCluster } from '../xds/hand-made-mesh.ts';
import { aloneZone, openApiFixture } from './api-fixture.ts';

const configuration = configurationOf(edsCluster('a'));
const answered = { complete: true, unanswered: new Set<never>() };

async function openMesh() {
  const deliveries = new Map<ResourceKey, Delivery>();
  const listeners = new Set<() => void>();
  const listed = () =>
    [...deliveries].map(([proxy, delivery]) => ({ key: `${proxy.mesh}/${proxy.name}`, proxy, delivery }));
  const fixture = openApiFixture({}, aloneZone, {
    rollout: openRollout({
      processed: () => 9,
      egressMeshes: () => ['default'],
      deliveries: listed,
      deliveryOf: (key) => listed().find((each) => each.key === key),
      awaitsCertificate: (key) => key === 'default/uncertified',
      onProgress(listener) {
        listeners.add(listener);
        return { stop: () => listeners.delete(listener) };
      },
    }),
    revision: () => 9,
  });
  await fixture.ask('PUT', '/meshes/default', { type: 'Mesh', name: 'default' });
  const connect = (name: string): Delivery => {
    const delivery = followDelivery(() => 0);
    delivery.offered(1, configuration);
    delivery.flushed(answered);
    deliveries.set({ type: 'Dataplane', mesh: 'default', name }, delivery);
    return delivery;
  };
  const tell = (): void => {
    for (const listener of listeners) listener();
  };
  return { ask: fixture.ask, connect, tell, listeners };
}

test('counts all and names those that do not have it, the others on demand', async () => {
  const { ask, connect } = await openMesh();
  connect('done');
  connect('behind').offered(8, configuration);
  connect('uncertified');
  const { body } = await ask('GET', '/meshes/default/_rollout?revision=8&size=1');
  assert.deepEqual(body.counts, { acked: 1, pending: 2, refused: 0, total: 3 });
  assert.deepEqual([body.done, body.total, body.items[0].name], [false, 2, 'behind']);
  assert.match(body.next, /offset=1/);
  const acked = await ask('GET', '/_rollout?revision=7&state=acked');
  assert.deepEqual(
    acked.body.items.map(({ name }: { name: string }) => name),
    ['behind', 'done'],
  );
});

test('waits for the end or a refusal, and leaves nothing behind', async () => {
  const { ask, connect, tell, listeners } = await openMesh();
  const delivery = connect('web');
  delivery.offered(9, configuration);
  const waiting = ask('GET', '/_rollout?wait=1m');
  while (listeners.size === 0) await new Promise((resolve) => setImmediate(resolve));
  delivery.flushed(answered);
  tell();
  assert.equal((await waiting).body.done, true);
  assert.equal(listeners.size, 0);
  delivery.rejected('cluster', ['a'], 'no');
  const refused = await ask('GET', '/_rollout?revision=1&wait=1m');
  assert.deepEqual([refused.body.done, refused.body.items[0].refusals[0].message], [false, 'no']);
});

for (const [query, field] of [
  ['revision=x', 'revision'],
  ['revision=10', 'revision'],
  ['wait=2h', 'wait'],
  ['wait=soon', 'wait'],
  ['state=lost', 'state'],
]) {
  test(`refuses ${query}`, async () => {
    const { ask } = await openMesh();
    const { status, body } = await ask('GET', `/_rollout?${query}`);
    assert.equal(status, 400);
    assert.match(JSON.stringify(body), new RegExp(`${field}:`));
  });
}

test('knows no mesh that does not exist', async () => {
  const { ask } = await openMesh();
  assert.equal((await ask('GET', '/meshes/nowhere/_rollout')).status, 404);
});
