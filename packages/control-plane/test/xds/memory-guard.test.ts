// Proxies are let in while there is memory; those that are in stay.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { typeUrls } from '@ursa/envoy';
import { openMemoryGuard } from '../../src/xds/memory-guard.ts';
import { connectTo } from './ads-client.ts';
import { configurationOf, edsCluster } from './hand-made-mesh.ts';
import { dataplaneSpec, startServer } from './running-server.ts';

test('a shortage of any kind is told with figures, for as long as it lasts', () => {
  let used = 10;
  let time = 0;
  const mebibyte = 1024 * 1024;
  let measured = 0;
  const measure = () => {
    measured += 1;
    return [
      { what: 'memory', used: 10 * mebibyte, limit: 100 * mebibyte },
      { what: 'heap', used: used * mebibyte, limit: 100 * mebibyte },
    ];
  };
  const guard = openMemoryGuard(85, measure, () => time);
  assert.equal(guard.shortage(), undefined);
  used = 86;
  for (let proxy = 0; proxy < 1_000; proxy += 1) assert.equal(guard.shortage(), undefined);
  assert.equal(measured, 1, 'a thousand proxies at once are one measurement');
  time = 100;
  assert.match(guard.shortage() ?? '', /short of memory \(86 of 100 MiB of heap\)/);
  used = 50;
  time = 200;
  assert.equal(guard.shortage(), undefined);
  assert.equal(openMemoryGuard(0, measure, () => time).shortage(), undefined, 'switched off');
});

test('without memory a proxy is refused as unavailable, so that it comes again; those that are in are served', async (context) => {
  let shortage: string | undefined;
  const running = await startServer({ memory: { shortage: () => shortage } });
  context.after(() => running.stop());
  await running.put({ type: 'Dataplane', mesh: 'default', name: 'late', spec: dataplaneSpec('late') });
  running.configure('default/web', configurationOf(edsCluster('web')));
  const connection = await connectTo(running.port);
  const early = connection.delta();
  early.send({ node: { id: 'default.web' }, typeUrl: typeUrls.cluster });
  const { nonce } = await early.next();
  early.send({ typeUrl: typeUrls.cluster, responseNonce: nonce });

  shortage = 'the control plane is short of memory';
  const elsewhere = await connectTo(running.port);
  const late = elsewhere.delta();
  late.send({ node: { id: 'default.late' }, typeUrl: typeUrls.cluster });
  assert.deepEqual(await late.ended(), { code: 14, message: shortage });
  if (!elsewhere.session.closed) await once(elsewhere.session, 'close');
  running.configure('default/web', configurationOf(edsCluster('web', 2)));
  assert.equal((await early.next()).resources[0]?.version, edsCluster('web', 2).version);
  assert.deepEqual(running.server.connected(), ['default/web']);
  connection.close();
});

test('without memory there is room for few who have not proven who they are, before their handshake', async (context) => {
  const running = await startServer({ memory: { shortage: () => 'the control plane is short of memory' } });
  context.after(() => running.stop());
  const arrivals = await Promise.allSettled(Array.from({ length: 60 }, () => connectTo(running.port)));
  const connections = arrivals.flatMap((arrival) => (arrival.status === 'fulfilled' ? [arrival.value] : []));
  assert.equal(connections.length, 50);
  const [ready] = connections;
  assert.equal((await ready?.post('/ready', ''))?.status, 400, 'they are answered');
  for (const connection of connections) connection.close();
});
