// `POST /bootstrap` over HTTP/1.1 and HTTP/2: documents, and answers that say what to do.
import assert from 'node:assert/strict';
import { request } from 'node:https';
import { after, before, describe, test } from 'node:test';
import { parse } from 'yaml';
import type { DataplaneTokenClaims } from '../../src/identity/access.ts';
import { connectTo, type TestConnection } from './ads-client.ts';
import { dataplaneSpec, type RunningServer, startServer } from './running-server.ts';

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

function post(
  port: number,
  path: string,
  body: string,
  options: { method?: string; accept?: string; host?: string } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = {
      'content-type': 'application/json',
      accept: options.accept ?? '*/*',
      ...(options.host === undefined ? {} : { host: options.host }),
    };
    const call = request(
      {
        port,
        host: '127.0.0.1',
        path,
        method: options.method ?? 'POST',
        rejectUnauthorized: false,
        agent: false,
        headers,
      },
      (response) => {
        let text = '';
        response.on('data', (chunk) => {
          text += chunk;
        });
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, type: response.headers['content-type'] ?? '', body: text }),
        );
      },
    );
    call.on('error', reject);
    call.end(body);
  });
}

const claims: DataplaneTokenClaims = { Mesh: 'default', jti: '1', exp: 4_000_000_000 };
const asked = (fields: object = {}): string =>
  JSON.stringify({ mesh: 'default', name: 'web', dataplaneToken: 'good', workdir: '/tmp/x', ...fields });

describe('the bootstrap endpoint', () => {
  let running: RunningServer;
  let connection: TestConnection;
  before(async () => {
    const tokens = new Map([
      ['good', claims],
      ['api', { ...claims, Name: 'api' }],
      ['measured', { ...claims, Mesh: 'measured' }],
    ]);
    running = await startServer({ tokens });
    connection = await connectTo(running.port);
  });
  after(async () => {
    connection.close();
    await running.stop();
  });

  test('gives YAML over HTTP/1.1', async () => {
    const answer = await post(running.port, '/bootstrap', asked());
    assert.equal(answer.status, 200, answer.body);
    assert.equal(answer.type, 'text/x-yaml');
    const document = parse(answer.body);
    assert.equal(document.node.id, 'default.web');
    assert.equal(document.node.cluster, 'web');
    assert.equal(document.dynamicResources.adsConfig.apiType, 'GRPC');
    const ads = document.staticResources.clusters.find((cluster: { name: string }) => cluster.name === 'ads_cluster');
    assert.deepEqual(ads.loadAssignment.endpoints[0].lbEndpoints[0].endpoint.address.socketAddress, {
      address: '127.0.0.1',
      portValue: running.port,
    });
  });

  test('gives the same over HTTP/2, in JSON when that is asked for', async () => {
    const { status, body } = await connection.post('/bootstrap', asked({ features: ['feature-delta-grpc'] }), {
      accept: 'application/json',
    });
    assert.equal(status, 200, body);
    const { bootstrap, kumaSidecarConfiguration } = JSON.parse(body);
    const document = parse(Buffer.from(bootstrap, 'base64').toString());
    assert.equal(document.dynamicResources.adsConfig.apiType, 'DELTA_GRPC');
    assert.equal(kumaSidecarConfiguration.networking.address, '127.0.0.1');
  });

  test("names the applications to measure: the mesh's, and what the Dataplane says of them", async () => {
    const measure = (...aggregate: readonly object[]) => ({ type: 'prometheus', conf: { aggregate } });
    const app = (name: string, port: number, path: string) => ({ name, port, path });
    const backend = measure(app('agent', 8181, '/agent'), app('cache', 9121, '/cache'), app('shop', 80, '/old'));
    const metrics = measure({ name: 'cache', enabled: false }, app('shop', 8080, '/new'), app('jobs', 7000, '/jobs'));
    await running.put(
      {
        type: 'Mesh',
        name: 'measured',
        spec: { metrics: { enabledBackend: 'prom', backends: [{ name: 'prom', ...backend }] } },
      },
      { type: 'Dataplane', mesh: 'measured', name: 'web', spec: { ...dataplaneSpec('web'), metrics } },
    );
    const question = asked({ mesh: 'measured', dataplaneToken: 'measured' });
    const { status, body } = await post(running.port, '/bootstrap', question, { accept: 'application/json' });
    assert.equal(status, 200, body);
    const address = '127.0.0.1';
    assert.deepEqual(JSON.parse(body).kumaSidecarConfiguration.metrics.aggregate, [
      { name: 'agent', address, port: 8181, path: '/agent' },
      { name: 'shop', address, port: 8080, path: '/new' },
      { name: 'jobs', address, port: 7000, path: '/jobs' },
    ]);
  });

  test('takes the Dataplane that the proxy brings along', async () => {
    const dataplaneResource = JSON.stringify({
      type: 'Dataplane',
      mesh: 'default',
      name: 'guest',
      ...dataplaneSpec('guest-service'),
    });
    const answer = await post(running.port, '/bootstrap', asked({ name: 'guest', dataplaneResource }));
    assert.equal(answer.status, 200, answer.body);
    const { node } = parse(answer.body);
    assert.equal(node.cluster, 'guest-service');
    assert.equal(node.metadata['dataplane.resource'], dataplaneResource);
    assert.equal(running.get('Dataplane', 'default', 'guest'), undefined, 'only a connection registers');
  });

  const own = (fields: object) => JSON.stringify({ type: 'Dataplane', mesh: 'default', name: 'web', ...fields });
  for (const [what, body, status, reason] of [
    ['without a token', asked({ dataplaneToken: '' }), 422, /token is required: kumactl generate dataplane-token/],
    ['with a token that is not known', asked({ dataplaneToken: 'bad' }), 422, /not known/],
    ['with the token of another proxy', asked({ dataplaneToken: 'api' }), 422, /its token is for "api"/],
    [
      'for a Dataplane that does not exist',
      asked({ name: 'nobody' }),
      404,
      /there is no Dataplane "nobody" in mesh "default"/,
    ],
    [
      'with a Dataplane that is not valid',
      asked({ dataplaneResource: own({ networking: { adress: '1.2.3.4' } }) }),
      422,
      /did you mean/,
    ],
    [
      'with a resource of another type',
      asked({ dataplaneResource: JSON.stringify({ type: 'Mesh', name: 'web' }) }),
      422,
      /has the type "Mesh"/,
    ],
    ['with a field of the wrong type', asked({ dnsPort: 'x' }), 422, /dnsPort: must be a whole number/],
    ['that is no JSON', '{', 400, /must be a JSON object/],
    ['with a CA that is no certificate', asked({ caCert: 'nonsense' }), 400, /--ca-cert-file/],
  ] as const) {
    test(`answers a request ${what} with ${status} and what to do`, async () => {
      const answer = await post(running.port, '/bootstrap', body);
      assert.equal(answer.status, status, answer.body);
      assert.match(answer.body, reason);
      assert.doesNotMatch(answer.body, /"good"/, 'a token is never repeated');
    });
  }

  test('answers 400 when the certificate is not valid for the address the proxy uses', async () => {
    const answer = await post(running.port, '/bootstrap', asked(), { host: 'cp.example.com:5678' });
    assert.equal(answer.status, 400);
    assert.match(answer.body, /not valid for "cp.example.com", but for: .*127\.0\.0\.1/);
  });

  test('answers 422 in a mesh that does not exist', async () => {
    const dataplaneResource = JSON.stringify({
      type: 'Dataplane',
      mesh: 'nowhere',
      name: 'web',
      ...dataplaneSpec('web'),
    });
    const answer = await post(running.port, '/bootstrap', asked({ mesh: 'nowhere', dataplaneResource }));
    assert.equal(answer.status, 422);
    assert.match(answer.body, /nowhere/);
  });

  test('answers 413 to more than a mebibyte, over both versions of HTTP', async () => {
    const body = asked({ dataplaneResource: 'x'.repeat(10 * 1024 * 1024) });
    assert.equal((await connection.post('/bootstrap', body)).status, 413);
    assert.equal((await post(running.port, '/bootstrap', body)).status, 413);
  });

  test('answers other paths and verbs as a web server does', async () => {
    assert.equal((await post(running.port, '/nothing', '')).status, 404);
    assert.equal((await post(running.port, '/bootstrap', '', { method: 'GET' })).status, 405);
  });
});
