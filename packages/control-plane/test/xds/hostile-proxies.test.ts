// Proxies that have proven who they are and mean harm: they get what is theirs, cost what one proxy costs, and take nothing from others.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { typeUrls } from '@ursa/envoy';
import { openArrivals } from '../../src/xds/arrivals.ts';
import { connectTo, type TestConnection } from './ads-client.ts';
import { configurationOf, edsCluster, endpointsOf } from './hand-made-mesh.ts';
import { dataplaneSpec, type KnownTokens, type RunningServer, startServer, until } from './running-server.ts';

const claims = (name: string, tags?: Record<string, string[]>) => ({
  Mesh: 'default',
  Name: name,
  ...(tags === undefined ? {} : { Tags: tags }),
  jti: `of-${name}`,
  exp: 4_102_444_800,
});

describe('a proxy with a token', () => {
  const tokens: KnownTokens = new Map([
    ['web', claims('web')],
    ['mallory', claims('mallory', { 'kuma.io/service': ['mallory'] })],
  ]);
  let running: RunningServer;
  let connection: TestConnection;
  const first = (name: string, metadata: Record<string, string> = {}) => ({
    node: { id: `default.${name}`, metadata },
    typeUrl: typeUrls.cluster,
  });
  const dataplane = (name: string, service: string) =>
    JSON.stringify({ type: 'Dataplane', mesh: 'default', name, ...dataplaneSpec(service) });
  /** As `mallory`, who is in. */
  const mallory = async () => {
    const stream = connection.delta('mallory');
    stream.send(first('mallory', { 'dataplane.resource': dataplane('mallory', 'mallory') }));
    const response = await stream.next();
    return { stream, response };
  };

  before(async () => {
    running = await startServer({ tokens });
    connection = await connectTo(running.port);
    for (const name of ['web', 'mallory'])
      running.configure(`default/${name}`, configurationOf(edsCluster(name), endpointsOf(name, [1])));
  });
  after(async () => {
    connection.close();
    await running.stop();
  });

  test('of another cannot come in under that name, nor replace the resource of that name', async () => {
    const before = running.get('Dataplane', 'default', 'web');
    for (const metadata of [{}, { 'dataplane.resource': dataplane('web', 'mallory') }]) {
      const stream = connection.delta('mallory');
      stream.send(first('web', metadata));
      assert.equal((await stream.ended()).code, 7);
    }
    assert.equal(running.get('Dataplane', 'default', 'web'), before);
  });

  test('cannot bring a Dataplane of a service that the token does not allow', async () => {
    const stream = connection.delta('mallory');
    stream.send(first('mallory', { 'dataplane.resource': dataplane('mallory', 'web') }));
    const { code, message } = await stream.ended();
    assert.equal(code, 7);
    assert.match(message, /kuma.io\/service/);
    assert.equal(running.get('Dataplane', 'default', 'mallory'), undefined);
  });

  test('cannot become another in the middle of a stream', async () => {
    const { stream } = await mallory();
    stream.send({ ...first('web'), typeUrl: typeUrls.listener });
    const { code, message } = await stream.ended();
    assert.equal(code, 3);
    assert.match(message, /node id changed within one stream; it was "default.mallory"/);
  });

  test('gets only secrets of its own configuration, whatever it asks for', async () => {
    const { stream } = await mallory();
    stream.send({
      typeUrl: typeUrls.secret,
      resourceNamesSubscribe: [
        'identity_cert:secret:other',
        'web',
        '*',
        '',
        '__proto__',
        '../dataplane-token-signing-key-default-1',
      ],
    });
    const response = await stream.next();
    assert.equal(response.typeUrl, typeUrls.secret);
    assert.deepEqual(response.resources, []);
    stream.cancel();
    await stream.ended();
  });

  test('that asks for clusters of another gets none of them', async () => {
    const { stream } = await mallory();
    stream.send({ typeUrl: typeUrls.endpoint, resourceNamesSubscribe: ['web', 'mallory'] });
    let response = await stream.next();
    while (response.typeUrl !== typeUrls.endpoint) response = await stream.next();
    assert.deepEqual(
      response.resources.map(({ name }) => name),
      ['mallory'],
    );
    stream.cancel();
    await stream.ended();
  });

  test('that shares its token: the newest connection counts, the older one is told so', async () => {
    const { stream: older } = await mallory();
    const other = await connectTo(running.port);
    const newer = other.delta('mallory');
    newer.send(first('mallory', { 'dataplane.resource': dataplane('mallory', 'mallory') }));
    const { code, message } = await older.ended();
    assert.equal(code, 10);
    assert.match(message, /another proxy has connected/);
    await newer.next();
    assert.deepEqual(running.server.connected(), ['default/mallory']);
    other.close();
    await until(() => running.server.connected().length === 0);
  });

  test('that asks for types that there are not, a thousand times, gets no answer and stays', async () => {
    const { stream } = await mallory();
    for (let index = 0; index < 1_000; index += 1)
      stream.send({ typeUrl: `type.googleapis.com/nothing.${index}`, resourceNamesSubscribe: ['a'] });
    running.configure('default/mallory', configurationOf(edsCluster('mallory', 2), endpointsOf('mallory', [1])));
    stream.send({ typeUrl: typeUrls.listener });
    assert.ok([typeUrls.cluster, typeUrls.listener].includes((await stream.next()).typeUrl as never));
    stream.cancel();
    await stream.ended();
  });

  test('that refuses whatever it gets, again and again, is not sent the same again', async () => {
    const { stream, response } = await mallory();
    for (let attempt = 0; attempt < 500; attempt += 1) {
      stream.send({
        typeUrl: typeUrls.cluster,
        responseNonce: response.nonce,
        errorDetail: { code: 13, message: `no, ${attempt}: ${'x'.repeat(1_000)}` },
      });
    }
    await until(async () => {
      const status = (await running.insight('mallory'))?.subscriptions.at(-1)?.status;
      return Number(status?.cds?.responsesRejected ?? 0) > 0;
    });
    const status = (await running.insight('mallory'))?.subscriptions.at(-1)?.status;
    assert.equal(status?.cds?.responsesRejected, '1', 'one response can be refused once');
    assert.equal(stream.pending(), 0);
    assert.ok((status.rejections ?? []).every(({ message }) => message.length <= 5_000));
    stream.cancel();
    await stream.ended();
  });

  test('that answers with old nonces changes nothing', async () => {
    const { stream, response } = await mallory();
    stream.send({ typeUrl: typeUrls.cluster, responseNonce: response.nonce });
    running.configure('default/mallory', configurationOf(edsCluster('mallory', 7), endpointsOf('mallory', [1])));
    const newer = await stream.next();
    assert.notEqual(newer.nonce, response.nonce);
    for (let replay = 0; replay < 100; replay += 1) {
      stream.send({ typeUrl: typeUrls.cluster, responseNonce: response.nonce });
      stream.send({
        typeUrl: typeUrls.cluster,
        responseNonce: response.nonce,
        errorDetail: { code: 3, message: 'no' },
      });
    }
    stream.send({ typeUrl: typeUrls.cluster, responseNonce: newer.nonce });
    await until(async () => {
      const status = (await running.insight('mallory'))?.subscriptions.at(-1)?.status;
      return status?.cds?.responsesAcknowledged === '2';
    });
    const status = (await running.insight('mallory'))?.subscriptions.at(-1)?.status;
    assert.equal(status?.cds?.responsesRejected, undefined);
    assert.equal(stream.pending(), 0);
    stream.cancel();
    await stream.ended();
  });

  test('that opens stream after stream has one of them, and no more than the limit at a time', async () => {
    const other = await connectTo(running.port);
    const streams = Array.from({ length: 32 }, () => other.delta('mallory'));
    for (const stream of streams)
      stream.send(first('mallory', { 'dataplane.resource': dataplane('mallory', 'mallory') }));
    const ends = await Promise.all(
      streams.slice(0, -1).map((stream) => Promise.race([stream.ended(), stream.next().then(() => stream.ended())])),
    );
    assert.ok(
      ends.every(({ code }) => code === 10 || code === -1),
      JSON.stringify(ends.map(({ code }) => code)),
    );
    assert.deepEqual(running.server.connected(), ['default/mallory']);
    other.close();
    await until(() => running.server.connected().length === 0);
  });

  test('that goes without a word leaves nothing behind', async () => {
    const other = await connectTo(running.port);
    const stream = other.delta('web');
    stream.send(first('web'));
    await stream.next();
    other.session.socket.destroy();
    await until(() => running.server.connected().length === 0);
    await until(() => running.proxies().length === 0);
  });
});

test('a proxy that breaks the protocol again and again waits at the door, the newest of its streams; others do not', async (context) => {
  const running = await startServer({ arrivals: openArrivals() });
  const connection = await connectTo(running.port);
  context.after(async () => {
    connection.close();
    await running.stop();
  });
  await running.put({ type: 'Dataplane', mesh: 'default', name: 'mallory', spec: dataplaneSpec('mallory') });
  for (const name of ['web', 'mallory']) running.configure(`default/${name}`, configurationOf(edsCluster(name)));
  const come = (name: string) => {
    const stream = connection.delta();
    stream.send({ node: { id: `default.${name}` }, typeUrl: typeUrls.cluster });
    return stream;
  };
  for (let attempt = 0; attempt < 2; attempt += 1) {
    const stream = come('mallory');
    await stream.next();
    stream.send({ node: { id: 'default.web' }, typeUrl: typeUrls.listener });
    assert.equal((await stream.ended()).code, 3);
  }
  const [older, newer] = [come('mallory'), come('mallory')];
  assert.equal((await older.ended()).code, 10);
  assert.equal(older.pending(), 0);
  await come('web').next();
  assert.deepEqual(running.server.connected(), ['default/web']);
  assert.equal(newer.pending(), 0);
  await until(() => newer.pending() > 0);
});
