// What many clients that never read cost: memory that does not grow with the number of changes, and nobody else's time.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { typeUrls } from '@ursa/envoy';
import { connectTo } from '../xds/ads-client.ts';
import { configurationOf, edsCluster } from '../xds/hand-made-mesh.ts';
import { dataplaneSpec, startServer, until } from '../xds/running-server.ts';

const mebibyte = 1024 * 1024;

test('100 clients that never read cost bounded memory, however often their configuration changes', async () => {
  const running = await startServer();
  const names = Array.from({ length: 100 }, (_, index) => `slow-${index}`);
  for (const name of [...names, 'quick']) {
    await running.put({ type: 'Dataplane', mesh: 'default', name, spec: dataplaneSpec(name) });
  }
  const many = (version: number) =>
    configurationOf(...Array.from({ length: 300 }, (_, index) => edsCluster(`cluster-${index}`, version)));
  const connections = await Promise.all(
    names.map(async (name) => {
      running.configure(`default/${name}`, many(1));
      const connection = await connectTo(running.port, { initialWindowSize: 0 });
      connection.delta().send({ node: { id: `default.${name}` }, typeUrl: typeUrls.cluster });
      return connection;
    }),
  );
  await until(() => running.server.connected().length === names.length);
  const quick = await connectTo(running.port);
  const stream = quick.delta();
  running.configure('default/quick', configurationOf(edsCluster('a', 1)));
  stream.send({ node: { id: 'default.quick' }, typeUrl: typeUrls.cluster });
  let answer = await stream.next();

  const before = process.memoryUsage().rss;
  for (let version = 2; version < 60; version += 1) {
    const newest = many(version);
    for (const name of names) running.configure(`default/${name}`, newest);
    running.configure('default/quick', configurationOf(edsCluster('a', version)));
    stream.send({ typeUrl: typeUrls.cluster, responseNonce: answer.nonce });
    answer = await stream.next();
    assert.equal(
      answer.resources[0]?.version,
      edsCluster('a', version).version,
      'a client that reads is served at once',
    );
  }
  const grown = process.memoryUsage().rss - before;
  // Every change is about 30 KB for each of the clients: 170 MB in all, if it were kept.
  assert.ok(grown < 120 * mebibyte, `grew by ${Math.round(grown / mebibyte)} MiB`);

  quick.close();
  for (const connection of connections) connection.close();
  await running.stop();
});
