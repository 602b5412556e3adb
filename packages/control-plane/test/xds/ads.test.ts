// The ADS server over a real connection: who is let in, what is sent, when a stream ends.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { typeUrls } from '@ursa/envoy';
import type { DataplaneTokenClaims } from '../../src/identity/access.ts';
import { connectTo, type DeltaRequest, type TestConnection } from './ads-client.ts';
import { configurationOf, edsCluster, endpointsOf, httpListener, routeTo } from './hand-made-mesh.ts';
import { dataplaneSpec, type KnownTokens, type RunningServer, startServer, until } from './running-server.ts';

const node = (id: string, metadata: Record<string, string> = {}) => ({ id, cluster: 'web', metadata });
const firstRequest = (id = 'default.web', metadata: Record<string, string> = {}): DeltaRequest => ({
  node: node(id, metadata),
  typeUrl: typeUrls.cluster,
});
const claims: DataplaneTokenClaims = { Mesh: 'default', jti: '1', exp: 4_000_000_000 };

describe('the ADS server without authentication', () => {
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

  test('sends clusters, then endpoints, then listeners and routes, each when it is asked for', async () => {
    running.configure(
      'default/web',
      configurationOf(edsCluster('a'), endpointsOf('a', [1]), httpListener('l', 2), routeTo('l', 'a')),
    );
    const stream = connection.delta();
    stream.send(firstRequest());
    const clusters = await stream.next();
    assert.equal(clusters.typeUrl, typeUrls.cluster);
    assert.deepEqual(
      clusters.resources.map(({ name }) => name),
      ['a'],
    );
    stream.send({ typeUrl: typeUrls.cluster, responseNonce: clusters.nonce });
    stream.send({ typeUrl: typeUrls.endpoint, resourceNamesSubscribe: ['a'] });
    const endpoints = await stream.next();
    assert.equal(endpoints.typeUrl, typeUrls.endpoint);
    stream.send({ typeUrl: typeUrls.listener });
    const listeners = await stream.next();
    assert.equal(listeners.typeUrl, typeUrls.listener);
    assert.equal(listeners.resources[0]?.resource?.typeUrl, typeUrls.listener);
    stream.cancel();
    await stream.ended();
  });

  test('speaks the state of the world on the same port', async () => {
    running.configure('default/web', configurationOf(edsCluster('a'), endpointsOf('a', [1])));
    const stream = connection.state();
    stream.send({ node: node('default.web'), typeUrl: typeUrls.cluster });
    const clusters = await stream.next();
    assert.equal(clusters.resources.length, 1);
    stream.send({ typeUrl: typeUrls.cluster, responseNonce: clusters.nonce, versionInfo: clusters.versionInfo });
    stream.send({ typeUrl: typeUrls.endpoint, resourceNames: ['a'] });
    const endpoints = await stream.next();
    assert.equal(endpoints.typeUrl, typeUrls.endpoint);
    running.configure('default/web', configurationOf(edsCluster('a'), endpointsOf('a', [1, 2])));
    stream.send({ typeUrl: typeUrls.endpoint, resourceNames: ['a'], responseNonce: endpoints.nonce });
    assert.equal((await stream.next()).typeUrl, typeUrls.endpoint);
    stream.cancel();
    await stream.ended();
  });

  test('pushes one response for a change and none when nothing has changed', async () => {
    const cluster = edsCluster('a');
    running.configure('default/web', configurationOf(cluster, endpointsOf('a', [1])));
    const stream = connection.delta();
    stream.send({ ...firstRequest(), initialResourceVersions: { a: cluster.version } });
    stream.send({ typeUrl: typeUrls.endpoint, resourceNamesSubscribe: ['a'] });
    const held = await stream.next();
    assert.deepEqual([held.typeUrl, held.resources], [typeUrls.cluster, []], 'the client has the cluster already');
    stream.send({ typeUrl: typeUrls.cluster, responseNonce: held.nonce });
    const first = await stream.next();
    assert.equal(first.typeUrl, typeUrls.endpoint);
    stream.send({ typeUrl: typeUrls.endpoint, responseNonce: first.nonce });
    running.configure('default/web', configurationOf(edsCluster('a'), endpointsOf('a', [1])));
    running.configure('default/web', configurationOf(edsCluster('a'), endpointsOf('a', [2])));
    const second = await stream.next();
    assert.deepEqual(
      second.resources.map(({ name }) => name),
      ['a'],
    );
    stream.send({ typeUrl: typeUrls.endpoint, responseNonce: second.nonce });
    stream.send({ typeUrl: typeUrls.endpoint, resourceNamesSubscribe: ['unknown'] });
    assert.deepEqual((await stream.next()).removedResources, ['unknown']);
    assert.equal(stream.pending(), 0);
    stream.cancel();
    await stream.ended();
  });

  test('ends a stream whose first request has no node', async () => {
    const stream = connection.delta();
    stream.send({ typeUrl: typeUrls.cluster });
    const { code, message } = await stream.ended();
    assert.equal(code, 3);
    assert.match(message, /must carry the node/);
  });

  test('ends a stream of a proxy whose Dataplane does not exist, and says what to do', async () => {
    const stream = connection.delta();
    stream.send(firstRequest('default.nobody'));
    const { code, message } = await stream.ended();
    assert.equal(code, 5);
    assert.match(
      message,
      /there is no Dataplane "nobody" in mesh "default"; create it, or start the proxy with --dataplane-file/,
    );
  });

  test('ends a stream whose node id changes', async () => {
    const stream = connection.delta();
    stream.send(firstRequest());
    await stream.next();
    stream.send(firstRequest('default.other'));
    const { code, message } = await stream.ended();
    assert.equal(code, 3);
    assert.match(message, /node id changed/);
  });

  test('lets the newest of two connections of one proxy stay', async () => {
    const older = connection.delta();
    older.send(firstRequest());
    await older.next();
    const newer = connection.delta();
    newer.send(firstRequest());
    await newer.next();
    assert.equal((await older.ended()).code, 10);
    assert.deepEqual(running.server.connected(), ['default/web']);
    assert.deepEqual(running.proxies(), ['default/web']);
    newer.cancel();
    await newer.ended();
  });

  test('tells every proxy of a change before any gets endpoints that have not changed', async () => {
    await running.put({ type: 'Dataplane', mesh: 'default', name: 'second', spec: dataplaneSpec('second') });
    const proxies = ['web', 'second'];
    const configure = (timeout: number): void => {
      const parts = [edsCluster('a', timeout), endpointsOf('a', [1]), httpListener('out', 9, `prefix-${timeout}`)];
      for (const name of proxies) running.configure(`default/${name}`, configurationOf(...parts));
    };
    configure(1);
    const order: string[] = [];
    const streams = proxies.map((name) => ({ name, stream: connection.delta() }));
    const receive = async (count: number): Promise<void> => {
      await Promise.all(
        streams.map(async ({ name, stream }) => {
          for (let received = 0; received < count; received += 1) {
            const { typeUrl, nonce } = await stream.next();
            order.push(`${name} ${typeUrl.split('.').at(-1)}`);
            stream.send({ typeUrl, responseNonce: nonce });
          }
        }),
      );
    };
    for (const { name, stream } of streams) {
      stream.send(firstRequest(`default.${name}`));
      stream.send({ typeUrl: typeUrls.endpoint, resourceNamesSubscribe: ['a'] });
      stream.send({ typeUrl: typeUrls.listener });
    }
    await receive(3);
    const { rollout } = running.server;
    await until(async () => rollout.at(Number.MAX_SAFE_INTEGER).proxies.every(({ state }) => state === 'acked'));
    order.length = 0;
    configure(2);
    await receive(3);
    assert.deepEqual(order.slice(0, 4).sort(), ['second Cluster', 'second Listener', 'web Cluster', 'web Listener']);
    assert.deepEqual(order.slice(4).sort(), ['second ClusterLoadAssignment', 'web ClusterLoadAssignment']);
    for (const { stream } of streams) {
      stream.cancel();
      await stream.ended();
    }
  });

  test('ignores types it does not serve', async () => {
    const stream = connection.delta();
    stream.send({
      node: node('default.web'),
      typeUrl: 'type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig',
    });
    stream.send({ typeUrl: typeUrls.cluster });
    assert.equal((await stream.next()).typeUrl, typeUrls.cluster);
    stream.cancel();
    await stream.ended();
  });

  test('ends the stream when the Dataplane is deleted', async () => {
    await running.put({ type: 'Dataplane', mesh: 'default', name: 'short', spec: dataplaneSpec('short') });
    running.configure('default/short', configurationOf(edsCluster('a')));
    const stream = connection.delta();
    stream.send(firstRequest('default.short'));
    await stream.next();
    await running.remove('Dataplane', 'default', 'short');
    running.configure('default/short', configurationOf(edsCluster('b')));
    assert.match((await stream.ended()).message, /Dataplane "short" was deleted/);
  });

  test('keeps connections, counts and rejections with Envoy’s text in the insight', async () => {
    running.configure('default/web', configurationOf(edsCluster('a'), edsCluster('b')));
    const stream = connection.delta();
    stream.send(firstRequest());
    const clusters = await stream.next();
    stream.send({
      typeUrl: typeUrls.cluster,
      responseNonce: clusters.nonce,
      errorDetail: { code: 13, message: 'cluster b: bad thing' },
    });
    const again = await stream.next();
    assert.deepEqual(
      again.resources.map(({ name }) => name),
      ['a'],
      'what Envoy does not speak of it may not have taken',
    );
    stream.send({ typeUrl: typeUrls.endpoint, resourceNamesSubscribe: ['x'] });
    await stream.next();
    const insight = await running.insight('web');
    const status = insight?.subscriptions.at(-1)?.status;
    assert.equal(status?.cds?.responsesSent, '2');
    assert.equal(status?.cds?.responsesRejected, '1');
    assert.equal(status?.total.responsesRejected, '1');
    const [rejection] = status?.rejections ?? [];
    assert.equal(rejection?.message, 'cluster b: bad thing');
    assert.deepEqual(rejection?.resources, ['b']);
    stream.cancel();
    await stream.ended();
    await until(async () => (await running.insight('web'))?.subscriptions.at(-1)?.disconnectTime !== undefined);
    assert.ok(
      ((await running.insight('web'))?.subscriptions.length ?? 0) <= 2,
      'only as many connections are kept as the setting says',
    );
  });
});

describe('the ADS server with tokens', () => {
  const tokens: KnownTokens = new Map([
    ['mesh', claims],
    ['named', { ...claims, Name: 'web' }],
    ['other-name', { ...claims, Name: 'api' }],
    ['other-mesh', { ...claims, Mesh: 'other' }],
    ['tagged', { ...claims, Tags: { 'kuma.io/service': ['web', 'web-api'] } }],
    ['other-tag', { ...claims, Tags: { 'kuma.io/service': ['api'] } }],
    ['missing-tag', { ...claims, Tags: { team: ['a'] } }],
    ['other-workload', { ...claims, Workload: 'api' }],
    ['ingress', { ...claims, Type: 'ingress' }],
  ]);
  let running: RunningServer;
  let connection: TestConnection;
  before(async () => {
    running = await startServer({ tokens });
    connection = await connectTo(running.port);
    running.configure('default/web', configurationOf(edsCluster('a')));
  });
  after(async () => {
    connection.close();
    await running.stop();
  });

  for (const token of ['mesh', 'named', 'tagged']) {
    test(`lets a proxy in with a token for its ${token}`, async () => {
      const stream = connection.delta(token);
      stream.send(firstRequest());
      assert.equal((await stream.next()).typeUrl, typeUrls.cluster);
      stream.cancel();
      await stream.ended();
    });
  }

  for (const [token, code, reason] of [
    [undefined, 16, /a dataplane token is required/],
    ['nonsense', 16, /not known/],
    ['other-name', 7, /the name of the proxy is "web", but its token is for "api"/],
    ['other-mesh', 7, /mesh/],
    ['other-tag', 7, /the tag kuma.io\/service of the proxy is "web"/],
    ['missing-tag', 7, /no tag "team"/],
    ['other-workload', 7, /no label "kuma.io\/workload", which its token demands: expected "api"/],
    ['ingress', 7, /type/],
  ] as const) {
    test(`refuses a proxy with the token ${token}`, async () => {
      const stream = connection.delta(token);
      stream.send(firstRequest());
      const outcome = await stream.ended();
      assert.equal(outcome.code, code);
      assert.match(outcome.message, reason);
      assert.deepEqual(running.proxies(), []);
    });
  }

  test('ends a stream as soon as its token is revoked', async () => {
    const stream = connection.delta('named');
    stream.send(firstRequest());
    await stream.next();
    running.revoke('named', 'the token was revoked');
    assert.deepEqual(await stream.ended(), { code: 16, message: 'the token was revoked' });
  });

  test('ends a stream when the Dataplane gets tags that its token does not allow', async () => {
    const stream = connection.delta('tagged');
    stream.send(firstRequest());
    await stream.next();
    await running.put({ type: 'Dataplane', mesh: 'default', name: 'web', spec: dataplaneSpec('admin') });
    running.configure('default/web', configurationOf(edsCluster('b')));
    assert.equal((await stream.ended()).code, 7);
    await running.put({ type: 'Dataplane', mesh: 'default', name: 'web', spec: dataplaneSpec('web') });
  });

  test('does not let a token for one service replace the Dataplane of another', async () => {
    await running.put({ type: 'Dataplane', mesh: 'default', name: 'victim', spec: dataplaneSpec('victim') });
    const stream = connection.delta('tagged');
    const resource = JSON.stringify({ type: 'Dataplane', mesh: 'default', name: 'victim', ...dataplaneSpec('web') });
    stream.send(firstRequest('default.victim', { 'dataplane.resource': resource }));
    assert.equal((await stream.ended()).code, 7);
    assert.deepEqual(running.get('Dataplane', 'default', 'victim')?.spec, dataplaneSpec('victim'));
  });
});
