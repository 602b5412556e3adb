import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aloneZone, openApiFixture } from './api-fixture.ts';
import { openWithMeshes } from './documents.ts';

test('a question about a client that is not there is answered, and one that cannot be read is refused by parameter', async () => {
  const { ask } = await openWithMeshes(openApiFixture({}, aloneZone), 'default');
  const unknown = await ask('GET', '/meshes/default/_explain?from=web&to=api');
  assert.deepEqual([unknown.status, unknown.body.verdict], [200, 'unknown']);
  assert.equal(unknown.body.problems[0].code, 'client-not-in-mesh');
  const refused: Readonly<Record<string, RegExp>> = {
    'to=api': /'from' is required/,
    'from=web&to=api&port=0': /'port' has to be a number from 1 to 65535/,
    'from=web&to=api&header=x': /'header' has to be name:value/,
    [`from=web&to=api&path=/${'a'.repeat(3000)}`]: /'path' is longer than 2048/,
  };
  for (const [query, message] of Object.entries(refused)) {
    const { status, body } = await ask('GET', `/meshes/default/_explain?${query}`);
    assert.equal(status, 400, query);
    assert.match(JSON.stringify(body), message);
  }
  assert.equal((await ask('GET', '/meshes/other/_explain?from=a&to=b')).status, 404);
});

test('of a client that is not connected it says so, and what would become of its request', async () => {
  const { ask } = await openWithMeshes(openApiFixture({}, aloneZone), 'default');
  const dataplane = (name: string, service: string, outbound: readonly object[]) => ({
    type: 'Dataplane',
    mesh: 'default',
    name,
    networking: {
      address: '192.0.2.1',
      inbound: [{ port: 8080, tags: { 'kuma.io/service': service, 'kuma.io/protocol': 'http' } }],
      outbound,
    },
  });
  const toApi = [{ port: 10001, tags: { 'kuma.io/service': 'api' } }];
  for (const document of [dataplane('web-1', 'web', toApi), dataplane('api-1', 'api', [])]) {
    const { status, text } = await ask('PUT', `/meshes/default/dataplanes/${document.name}`, document);
    assert.equal(status, 201, text);
  }
  const { body } = await ask('GET', '/meshes/default/_explain?from=web&to=api');
  assert.equal(body.verdict, 'unreachable');
  assert.match(body.summary, /the proxy web-1 is not connected; once it is, allowed: web -> api/);
  assert.equal(body.problems[0].code, 'proxy-offline');
  const places = body.steps.map(({ at }: { at: string }) => at);
  assert.deepEqual(places.slice(0, 2), ['client', 'outbound']);
  assert.ok(places.includes('cluster'), places.join(', '));
});

test('who has no outbound to a service that is a resource is told the reference to add, not a tag', async () => {
  const { ask } = await openWithMeshes(openApiFixture({}, aloneZone), 'default');
  const inbound = [{ port: 8080, tags: { 'kuma.io/service': 'web' } }];
  const outside = {
    match: { type: 'HostnameGenerator', port: 443, protocol: 'http' },
    endpoints: [{ address: 'pay.example', port: 443 }],
  };
  const documents: readonly [path: string, document: object][] = [
    [
      'dataplanes/web-1',
      { type: 'Dataplane', mesh: 'default', name: 'web-1', networking: { address: '192.0.2.1', inbound } },
    ],
    [
      'meshexternalservices/payments',
      { type: 'MeshExternalService', mesh: 'default', name: 'payments', spec: outside },
    ],
    [
      'meshservices/api',
      {
        type: 'MeshService',
        mesh: 'default',
        name: 'api',
        spec: { selector: { dataplaneTags: { app: 'api' } }, ports: [{ port: 8443 }] },
      },
    ],
  ];
  for (const [path, document] of documents) {
    const { status, text } = await ask('PUT', `/meshes/default/${path}`, document);
    assert.equal(status, 201, text);
  }
  const fixOf = async (to: string): Promise<string> => {
    const { body } = await ask('GET', `/meshes/default/_explain?from=web-1&to=${to}`);
    return body.problems.find(({ code }: { code: string }) => code === 'no-outbound').fix;
  };
  assert.match(await fixOf('payments'), /backendRef: \{kind: MeshExternalService, name: payments\}/);
  assert.match(await fixOf('api'), /backendRef: \{kind: MeshService, name: api, port: 8443\}/);
});
