// Which proxies have a revision, over a real connection: until the last answer none does, and a refusal is told in the proxy's words.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { typeUrls } from '@ursa/envoy';
import { followDelivery } from '../../src/xds/delivery.ts';
import { openRollout, type ProxyDelivery } from '../../src/xds/rollout.ts';
import { connectTo, type TestConnection } from './ads-client.ts';
import { configurationOf, edsCluster, endpointsOf } from './hand-made-mesh.ts';
import { type RunningServer, startServer, until } from './running-server.ts';

// Files of a run share one process: without a suite the connection would be opened before all of them, and be cut as a stranger's meanwhile.
describe('a roll-out', () => {
  let running: RunningServer;
  let connection: TestConnection;
  before(async () => {
    running = await startServer();
    connection = await connectTo(running.port);
  });
  after(async () => {
    connection.close();
    await running.stop();
  });

  const newest = Number.MAX_SAFE_INTEGER;
  const states = (revision = newest) => running.server.rollout.at(revision).proxies.map(({ state }) => state);
  const isTold = (revision: number, mesh = 'default') => running.server.rollout.isTold(revision, mesh);

  test('pending until the last answer, refused with the text, acked once it is taken', async () => {
    let steps = 0;
    const progress = running.server.rollout.onProgress(() => {
      steps += 1;
    });
    running.configure('default/web', configurationOf(edsCluster('a'), endpointsOf('a', [1])));
    const stream = connection.delta();
    stream.send({ node: { id: 'default.web', cluster: 'web' }, typeUrl: typeUrls.cluster });
    const clusters = await stream.next();
    assert.deepEqual(states(), ['pending']);
    assert.deepEqual([isTold(0), isTold(0, 'other'), isTold(newest, 'other')], [false, true, false]);
    stream.send({ typeUrl: typeUrls.endpoint, resourceNamesSubscribe: ['a'] });
    const endpoints = await stream.next();
    stream.send({ typeUrl: typeUrls.cluster, responseNonce: clusters.nonce });
    stream.send({ typeUrl: typeUrls.endpoint, responseNonce: endpoints.nonce });
    await until(() => states()[0] === 'acked');
    assert.equal(isTold(0), true);
    assert.equal(steps > 0, true);
    progress.stop();

    const before = running.server.rollout.at(newest).processed;
    await running.put({ type: 'Mesh', name: 'default', spec: { routing: { zoneEgress: true } } });
    running.configure('default/web', configurationOf(edsCluster('a'), endpointsOf('a', [1, 2])));
    const second = await stream.next();
    assert.deepEqual([states(before), states(before + 1)], [['acked'], ['pending']]);
    stream.send({
      typeUrl: typeUrls.endpoint,
      responseNonce: second.nonce,
      errorDetail: { code: 13, message: 'not these endpoints' },
    });
    await until(() => states()[0] === 'refused');
    assert.deepEqual([isTold(before + 1), isTold(newest)], [true, false]);
    const [proxy] = running.server.rollout.at(before + 1, 'default').proxies;
    assert.equal(proxy?.refusals?.[0]?.message, 'not these endpoints');
    assert.equal(proxy?.refusals?.[0]?.revision, before + 1);
    assert.deepEqual(running.server.rollout.at(newest, 'other').proxies, []);

    running.configure('default/web', configurationOf(edsCluster('a'), endpointsOf('a', [1])));
    const third = await stream.next();
    stream.send({ typeUrl: typeUrls.endpoint, responseNonce: third.nonce });
    await until(() => states()[0] === 'acked');
    stream.cancel();
    await until(() => states().length === 0);
  });
});

test('a mesh is told when the zone egresses that serve it are, and its roll-out has them when they are asked for', () => {
  const egress = { type: 'ZoneEgress', mesh: '', name: 'edge' };
  const delivery = followDelivery(() => 0);
  const rollout = rolloutOf(new Map([['/edge', { key: '/edge', proxy: egress, delivery }]]));
  assert.deepEqual([rollout.isTold(9, 'default'), rollout.isTold(9, 'other')], [false, true]);
  const { proxies } = rollout.at(9, 'default', true);
  assert.deepEqual(
    proxies.map(({ proxy, state }) => [proxy, state]),
    [[egress, 'pending']],
  );
  assert.deepEqual([rollout.at(9, 'default').proxies, rollout.at(9, 'other', true).proxies], [[], []]);
  delivery.offered(9, configurationOf(edsCluster('a')));
  delivery.flushed({ complete: true, unanswered: new Set() });
  assert.equal(rollout.isTold(9, 'default'), true);
});

test('a mesh is told when those that were waited for have answered or are gone, whichever answers last', () => {
  const connected = new Map(
    ['first', 'second', 'third'].map((name) => {
      const delivery = followDelivery(() => 0);
      delivery.offered(9, configurationOf(edsCluster('a')));
      return [name, { key: name, proxy: { type: 'Dataplane', mesh: 'default', name }, delivery }];
    }),
  );
  const rollout = rolloutOf(connected);
  const answers = (name: string): void => {
    connected.get(name)?.delivery.flushed({ complete: true, unanswered: new Set() });
  };
  assert.deepEqual([rollout.isTold(9, 'default'), rollout.isTold(9, 'other')], [false, true]);
  answers('third');
  assert.equal(rollout.isTold(9, 'default'), false);
  connected.delete('second');
  assert.equal(rollout.isTold(9, 'default'), false);
  answers('first');
  assert.equal(rollout.isTold(9, 'default'), true);
});

function rolloutOf(connected: ReadonlyMap<string, ProxyDelivery>) {
  return openRollout({
    processed: () => 9,
    egressMeshes: () => ['default'],
    deliveries: () => connected.values(),
    deliveryOf: (key) => connected.get(key),
    awaitsCertificate: () => false,
    onProgress: () => ({ stop: () => undefined }),
  });
}
