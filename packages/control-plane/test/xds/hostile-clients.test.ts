// Clients that mean harm, or are broken: each costs at most its own connection, and the others are served as before.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { create, toBinary } from '@bufbuild/protobuf';
import { typeUrls } from '@ursa/envoy';
import { DeltaDiscoveryRequestSchema } from '../../../envoy/gen/envoy/service/discovery/v3/discovery_pb.ts';
import { connectTo, framed, type TestConnection } from './ads-client.ts';
import { configurationOf, edsCluster, endpointsOf } from './hand-made-mesh.ts';
import { randomNumbers } from './random-numbers.ts';
import { dataplaneSpec, type RunningServer, startServer, until } from './running-server.ts';

const first = (name: string, metadata: Record<string, string> = {}) => ({
  node: { id: `default.${name}`, metadata },
  typeUrl: typeUrls.cluster,
});

describe('a hostile client', () => {
  let running: RunningServer;
  let connection: TestConnection;
  before(async () => {
    running = await startServer();
    connection = await connectTo(running.port);
    for (const name of ['a', 'b'])
      await running.put({ type: 'Dataplane', mesh: 'default', name, spec: dataplaneSpec(name) });
    for (const name of ['web', 'a', 'b'])
      running.configure(`default/${name}`, configurationOf(edsCluster(name), endpointsOf(name, [1])));
  });
  after(async () => {
    connection.close();
    await running.stop();
  });

  /** Another proxy comes and gets its clusters. */
  const othersAreServed = async (): Promise<void> => {
    const other = await connectTo(running.port);
    const stream = other.delta();
    stream.send(first('b'));
    assert.equal((await stream.next()).resources[0]?.name, 'b');
    other.close();
  };

  test('that asks for 100,000 names is refused', async () => {
    const stream = connection.delta();
    stream.send(first('web'));
    await stream.next();
    stream.send({
      typeUrl: typeUrls.endpoint,
      resourceNamesSubscribe: Array.from({ length: 100_000 }, (_, index) => `cluster-${index}`),
    });
    const { code, message } = await stream.ended();
    assert.equal(code, 8);
    assert.match(message, /more than 20000/);
    await othersAreServed();
  });

  test('that asks for 100,000 names bit by bit is refused as well', async () => {
    const stream = connection.delta();
    stream.send(first('web'));
    await stream.next();
    for (let part = 0; part < 25; part += 1) {
      stream.send({
        typeUrl: typeUrls.endpoint,
        resourceNamesSubscribe: Array.from({ length: 4000 }, (_, index) => `c-${part}-${index}`),
      });
    }
    assert.equal((await stream.ended()).code, 8);
  });

  test('that never acknowledges gets one response of each type, not one for each change', async () => {
    const stream = connection.delta();
    stream.send(first('a'));
    await stream.next();
    for (let change = 0; change < 50; change += 1)
      running.configure('default/a', configurationOf(edsCluster('a', change + 1)));
    await othersAreServed();
    assert.equal(stream.pending(), 0);
    stream.cancel();
    await stream.ended();
  });

  test('that acknowledges what it was never sent is not believed', async () => {
    const stream = connection.delta();
    stream.send(first('web'));
    const { nonce } = await stream.next();
    for (let flood = 0; flood < 5000; flood += 1)
      stream.send({ typeUrl: typeUrls.cluster, responseNonce: `${nonce}-${flood}` });
    await othersAreServed();
    const status = (await running.insight('web'))?.subscriptions.at(-1)?.status;
    assert.equal(status?.cds?.responsesAcknowledged, undefined);
    stream.cancel();
    await stream.ended();
  });

  test('that never reads holds no more than the newest state, and gets that when it reads at last', async () => {
    const slow = await connectTo(running.port, { initialWindowSize: 0 });
    const many = (version: number) =>
      configurationOf(...Array.from({ length: 400 }, (_, index) => edsCluster(`cluster-${index}`, version)));
    running.configure('default/a', many(1));
    const stream = slow.delta();
    stream.send(first('a'));
    await until(async () => {
      const status = (await running.insight('a'))?.subscriptions.at(-1)?.status;
      return status?.cds?.responsesSent === '1' && running.server.connected().includes('default/a');
    });
    for (let version = 2; version < 40; version += 1) running.configure('default/a', many(version));
    await othersAreServed();
    slow.session.settings({ initialWindowSize: 16 * 1024 * 1024 });
    const stale = await stream.next();
    assert.equal(stale.resources[0]?.version, edsCluster('cluster-0', 1).version);
    stream.send({ typeUrl: typeUrls.cluster, responseNonce: stale.nonce });
    const newest = await stream.next();
    const wanted = edsCluster(newest.resources[0]?.name ?? '', 39).version;
    assert.equal(newest.resources[0]?.version, wanted, 'nothing between the first and the newest state');
    slow.close();
  });

  test('with huge metadata is refused by name of the field', async () => {
    const stream = connection.delta();
    stream.send(first('web', { workdir: 'x'.repeat(100_000) }));
    const { code, message } = await stream.ended();
    assert.equal(code, 3);
    assert.match(message, /workdir is longer/);
  });

  test('that sends a message of more than 4 MiB is cut off at its header', async () => {
    const stream = connection.delta();
    const header = Buffer.alloc(5);
    header.writeUInt32BE(4 * 1024 * 1024 + 1, 1);
    stream.sendBytes(header);
    assert.equal((await stream.ended()).code, 8);
  });

  test('that sends compressed messages is told not to', async () => {
    const stream = connection.delta();
    stream.sendBytes(Buffer.from([1, 0, 0, 0, 1, 0]));
    const { code, message } = await stream.ended();
    assert.equal(code, 12);
    assert.match(message, /identity/);
  });

  for (const id of [
    '',
    'default',
    'default.',
    '.',
    '../etc.passwd',
    'default.a/b',
    `default.${'x'.repeat(254)}`,
    'default.__proto__\0',
    'Default.A',
  ]) {
    test(`with the node id ${JSON.stringify(id.slice(0, 30))} is refused`, async () => {
      const stream = connection.delta();
      stream.send({ node: { id }, typeUrl: typeUrls.cluster });
      assert.equal((await stream.ended()).code, 3);
    });
  }

  test('that resets stream after stream loses its connection', async () => {
    const flood = await connectTo(running.port);
    for (let wave = 0; wave < 20 && !flood.session.destroyed; wave += 1) {
      const streams = Array.from({ length: 20 }, () => flood.delta());
      await Promise.all(streams.map((stream) => Promise.race([once(stream.raw, 'response'), stream.ended()])));
      for (const stream of streams) stream.cancel();
      await Promise.all(streams.map((stream) => stream.ended()));
    }
    await until(() => flood.session.destroyed);
    await othersAreServed();
  });

  test('that sends anything but TLS, or anything in TLS, is dropped', async () => {
    const socket = connectTls({
      port: running.port,
      host: '127.0.0.1',
      rejectUnauthorized: false,
      ALPNProtocols: ['h2'],
    });
    socket.on('error', () => undefined);
    await once(socket, 'secureConnect');
    socket.resume();
    socket.write(Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\x01\x25\x00\x00\x00\x01garbage', 'latin1'));
    await once(socket, 'close');
    await othersAreServed();
  });

  test('that sends 10,000 mutated requests hurts nobody', async () => {
    const random = randomNumbers(20261123);
    const seeds = [
      {
        node: { id: 'default.web', metadata: { features: ['a'], version: { kumaDp: { version: '1' } } } },
        typeUrl: typeUrls.cluster,
      },
      { typeUrl: typeUrls.endpoint, resourceNamesSubscribe: ['a', 'b'], initialResourceVersions: { a: '1' } },
      { typeUrl: typeUrls.listener, responseNonce: '1', errorDetail: { code: 3, message: 'no' } },
    ].map((request) => toBinary(DeltaDiscoveryRequestSchema, create(DeltaDiscoveryRequestSchema, request)));
    const mutated = (): Buffer => {
      const bytes = framed(seeds[random(seeds.length)] ?? new Uint8Array());
      for (let change = random(6); change >= 0; change -= 1) bytes[random(bytes.length)] = random(256);
      return random(4) === 0 ? bytes.subarray(0, random(bytes.length)) : bytes;
    };
    let fuzz = await connectTo(running.port);
    for (let wave = 0; wave < 400; wave += 1) {
      if (fuzz.session.destroyed) fuzz = await connectTo(running.port);
      const stream = wave % 2 === 0 ? fuzz.delta() : fuzz.state();
      for (let message = 0; message < 25; message += 1) stream.sendBytes(mutated());
      stream.raw.end();
      await stream.ended();
    }
    fuzz.close();
    await othersAreServed();
  });
});
