// MeshRetry by traffic: how often a request is tried is counted at the service.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, test } from 'node:test';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { ask } from '../harness/ask.ts';
import { grpcStatusOf, openGrpcService } from '../harness/grpc-service.ts';
import { openScriptedService } from '../harness/scripted-service.ts';
import { nameAt, openTcpService } from '../harness/tcp-service.ts';
import { openPolicyWorld, policy } from '../harness/world.ts';

const world = await openPolicyWorld();
const backend = await openScriptedService('backend');
const rpc = await openGrpcService();
const db = await openTcpService('db');
after(() => Promise.all([world.close(), backend.close(), rpc.close(), db.close()]));
const { controlPlane } = world;
const served = await world.start({ service: 'backend', servicePort: backend.port });
await world.start({ service: 'rpc', servicePort: rpc.port, protocol: 'grpc' });
const servedDb = await world.start({ service: 'db', servicePort: db.port, protocol: 'tcp' });
const client = await world.start({ service: 'client', calls: ['backend', 'rpc', 'db'] });
const url = client.urlOf('backend');

const retry = (service: string, conf: object, kind = 'MeshService') =>
  policy('MeshRetry', 'some', {
    targetRef: { kind: 'Mesh' },
    to: [{ targetRef: { kind, name: service }, default: conf }],
  });
const quickly = { backOff: { baseInterval: '1ms', maxInterval: '10ms' } };

/** Status of a request, and how often the service got it. */
async function tried(headers: Readonly<Record<string, string>>, path = '/'): Promise<readonly [number, number]> {
  const id = randomUUID();
  const { status } = await ask(url + path, { headers: { 'x-id': id, ...headers } });
  return [status, backend.tries(id)];
}

/** Waits until a request ends with this status after so many tries. */
const becomes = (headers: Readonly<Record<string, string>>, status: number, tries: number, path = '/') =>
  waitFor(`${status} after ${tries} tries`, async () => {
    const [got, count] = await tried(headers, path);
    if (got === status && count === tries) return true;
    throw new Error(`${got} after ${count}`);
  });

test('an error is tried again, and no more often than allowed', async () => {
  assert.deepEqual(await tried({ 'x-status': '503' }), [503, 1]);
  await controlPlane.apply(retry('backend', { http: { numRetries: 3, retryOn: ['5xx'], ...quickly } }));
  await becomes({ 'x-status': '503' }, 503, 4);
  assert.deepEqual(await tried({ 'x-status': '500', 'x-failures': '2' }), [200, 3]);
  assert.deepEqual(await tried({ 'x-status': '404' }), [404, 1]);
});

test('only what is named is tried again: status codes, methods, headers of the answer', async () => {
  await controlPlane.apply(retry('backend', { http: { numRetries: 2, retryOn: ['409'], ...quickly } }));
  await becomes({ 'x-status': '409' }, 409, 3);
  assert.deepEqual(await tried({ 'x-status': '500' }), [500, 1]);
  await controlPlane.apply(
    retry('backend', { http: { numRetries: 1, retryOn: ['5xx', 'HttpMethodPost'], ...quickly } }),
  );
  await becomes({ 'x-status': '409' }, 409, 1);
  assert.deepEqual(await tried({ 'x-status': '500' }), [500, 1]);
  const retriableResponseHeaders = [{ type: 'Present', name: 'x-again' }];
  await controlPlane.apply(retry('backend', { http: { numRetries: 2, retriableResponseHeaders, ...quickly } }));
  await becomes({ 'x-again': 'yes', 'x-failures': '1' }, 200, 2);
});

test('each try has its own timeout', async () => {
  const http = { numRetries: 2, perTryTimeout: '200ms', retryOn: ['5xx'], ...quickly };
  await controlPlane.apply(retry('backend', { http }));
  await becomes({ 'x-wait': '1000', 'x-failures': '1' }, 200, 2);
});

test('a service that says when it can be asked again is not asked before', async () => {
  const rateLimitedBackOff = { resetHeaders: [{ name: 'x-reset', format: 'Seconds' }], maxInterval: '30s' };
  const http = { numRetries: 2, retryOn: ['5xx'], ...quickly, rateLimitedBackOff };
  await controlPlane.apply(retry('backend', { http }));
  // Envoy waits as long as it was told, and up to half as long again; a slow machine longer. Without the header it would be 10 ms at most.
  await waitFor(
    'both tries wait for a second',
    async () => {
      const id = randomUUID();
      const headers = { 'x-id': id, 'x-status': '503', 'x-failures': '2', 'x-reset': '1' };
      const { status } = await ask(url, { headers });
      const waits = backend.waits(id);
      if (status === 200 && waits.length === 2 && waits.every((wait) => wait >= 950)) return true;
      throw new Error(`${status} after ${waits.join(' and ')} ms`);
    },
    { within: 30_000 },
  );
  assert.deepEqual(await tried({ 'x-status': '503', 'x-failures': '1' }), [200, 2]);
});

test('of one route only', async () => {
  const rules = [{ matches: [{ path: { type: 'Exact', value: '/again' } }], default: {} }];
  const to = [{ targetRef: { kind: 'MeshService', name: 'backend' }, rules }];
  await controlPlane.apply(policy('MeshHTTPRoute', 'again', { targetRef: { kind: 'Mesh' }, to }));
  const http = { numRetries: 4, retryOn: ['5xx'], ...quickly };
  await controlPlane.apply(retry('again', { http }, 'MeshHTTPRoute'));
  await becomes({ 'x-status': '503' }, 503, 5, '/again');
  await becomes({ 'x-status': '503' }, 503, 1);
});

test('an instance that cannot be reached is passed over', async () => {
  const gone = {
    type: 'Dataplane',
    mesh: 'default',
    name: 'backend-gone',
    networking: {
      address: '127.0.0.9',
      inbound: [{ port: served.inboundPort, tags: { 'kuma.io/service': 'backend', 'kuma.io/protocol': 'http' } }],
    },
  };
  await controlPlane.apply(retry('nothing', { http: { numRetries: 1 } }));
  await controlPlane.apply(gone);
  await waitFor('failures', async () => (await ask(url)).status === 503);
  const http = { numRetries: 5, retryOn: ['ConnectFailure'], hostSelection: [{ predicate: 'OmitPreviousHosts' }] };
  await controlPlane.apply(retry('backend', { http }));
  await waitFor('no failures', async () => {
    // One after the other: Envoy retries no more than three requests at a time.
    for (let index = 0; index < 10; index++) {
      const { status } = await ask(url);
      if (status !== 200) throw new Error(String(status));
    }
    return true;
  });
  await controlPlane.delete(gone);
});

test('gRPC calls are tried again by their status', async () => {
  const rpcUrl = client.urlOf('rpc');
  const call = async (): Promise<readonly [string, number]> => {
    const before = rpc.calls();
    return [await grpcStatusOf(rpcUrl, '14'), rpc.calls() - before];
  };
  assert.deepEqual(await call(), ['14', 1]);
  await controlPlane.apply(retry('rpc', { grpc: { numRetries: 2, retryOn: ['Unavailable'], ...quickly } }));
  await waitFor('three calls', async () => {
    const [status, calls] = await call();
    if (calls !== 3) throw new Error(`${status} after ${calls}`);
    return true;
  });
  assert.equal(await grpcStatusOf(rpcUrl, '5'), '5');
});

test('connections are tried again', async () => {
  const gone = {
    type: 'Dataplane',
    mesh: 'default',
    name: 'db-gone',
    networking: {
      address: '127.0.0.9',
      inbound: [{ port: servedDb.inboundPort, tags: { 'kuma.io/service': 'db', 'kuma.io/protocol': 'tcp' } }],
    },
  };
  await controlPlane.apply(gone);
  await waitFor('failures', async () => (await nameAt(client.portOf('db'))) === 'closed');
  await controlPlane.apply(retry('db', { tcp: { maxConnectAttempt: 5 } }));
  await waitFor('no failures', async () => {
    for (let index = 0; index < 10; index++) {
      const greeting = await nameAt(client.portOf('db'));
      if (greeting !== 'db') throw new Error(greeting);
    }
    return true;
  });
});
