// `POST /_diff`: what a change would do, worked out and not done.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectedProxy } from '../connected-proxy.ts';
import { type ApiFixture, openApiFixture } from './api-fixture.ts';

// biome-ignore lint/suspicious/noExplicitAny: the answer is looked into field by field.
type Json = any;

const dataplane = (name: string, address: string, service: string, calls?: string) => ({
  type: 'Dataplane',
  mesh: 'default',
  name,
  networking: {
    address,
    inbound: [{ port: 8080, tags: { 'kuma.io/service': service, 'kuma.io/protocol': 'http' } }],
    outbound: calls === undefined ? [] : [{ port: 10001, tags: { 'kuma.io/service': calls } }],
  },
});
const timeout = (requestTimeout: string, targetRef: object = { kind: 'Mesh' }, conf: object = {}) => ({
  type: 'MeshTimeout',
  mesh: 'default',
  name: 'patience',
  spec: { targetRef, to: [{ targetRef: { kind: 'Mesh' }, default: { http: { requestTimeout }, ...conf } }] },
});

async function openMesh(): Promise<ApiFixture & { diff(body: object): Promise<{ status: number; body: Json }> }> {
  const fixture = openApiFixture();
  await fixture.ask('PUT', '/meshes/default', { type: 'Mesh', name: 'default' });
  const members = [
    dataplane('backend-1', '10.0.0.1', 'backend'),
    dataplane('web-1', '10.0.0.21', 'web', 'backend'),
    dataplane('web-2', '10.0.0.3', 'web', 'backend'),
  ];
  for (const member of members) {
    const { status, text } = await fixture.ask('PUT', `/meshes/default/dataplanes/${member.name}`, member);
    assert.equal(status, 201, text);
    fixture.connect(connectedProxy(member.name));
  }
  return { ...fixture, diff: (body) => fixture.ask('POST', '/_diff', body) };
}

test('names the policy, the proxies in one group and the fields in words, and writes nothing', async () => {
  const { diff, ask, store } = await openMesh();
  const before = store.revision();
  const { status, body } = await diff({ resources: [timeout('7s')] });
  assert.equal(status, 200, JSON.stringify(body));
  assert.equal(body.changes, true);
  assert.deepEqual(
    [body.counts.policies, body.counts.proxies, body.counts.connectedProxies],
    [1, 2, 3],
    'the backend calls nobody',
  );
  const [policy] = body.resources;
  assert.deepEqual([policy.action, policy.dataplanes, policy.name], ['added', 3, 'patience']);
  assert.equal(body.groups.length, 1);
  assert.deepEqual(body.groups[0].proxies, ['default/web-1', 'default/web-2']);
  const fields: Json[] = body.groups[0].resources.flatMap((resource: Json) => resource.fields);
  assert.ok(
    fields.some(({ meaning, after }) => meaning === 'request timeout' && after === '7s'),
    JSON.stringify(fields),
  );
  assert.equal(store.revision(), before);
  assert.equal((await ask('GET', '/meshes/default/meshtimeouts/patience')).status, 404);
});

test('the change then does what was said, and a second time nothing', async () => {
  const { diff, ask } = await openMesh();
  await ask('PUT', '/meshes/default/meshtimeouts/patience', timeout('7s'));
  const again = await diff({ resources: [timeout('7s')] });
  assert.deepEqual([again.body.changes, again.body.groups, again.body.resources[0].action], [false, [], 'unchanged']);
  const { body } = await diff({ resources: [timeout('9s')] });
  assert.deepEqual(body.resources[0].fields, [
    { path: 'spec.to[0].default.http.requestTimeout', before: '7s', after: '9s' },
  ]);
});

test('a deletion, and several changes together', async () => {
  const { diff, ask } = await openMesh();
  await ask('PUT', '/meshes/default/meshtimeouts/patience', timeout('7s'));
  const gone = await diff({ deletions: [{ type: 'MeshTimeout', mesh: 'default', name: 'patience' }] });
  assert.deepEqual([gone.body.resources[0].action, gone.body.counts.proxies], ['removed', 2]);
  const mesh = { type: 'Mesh', name: 'new' };
  const both = await diff({ resources: [mesh, { ...timeout('1s'), mesh: 'new' }] });
  assert.equal(both.status, 200, JSON.stringify(both.body));
  assert.equal(both.body.resources.length >= 2, true);
});

test('inbounds of proxies with addresses of their own are one group', async () => {
  const { diff } = await openMesh();
  const inbound = {
    ...timeout('1s'),
    spec: {
      targetRef: { kind: 'Mesh' },
      from: [{ targetRef: { kind: 'Mesh' }, default: { http: { requestTimeout: '4s' } } }],
    },
  };
  const { body } = await diff({ resources: [inbound] });
  assert.deepEqual(
    body.groups.map(({ total }: Json) => total),
    [3],
  );
  assert.ok(body.groups[0].resources.some(({ name }: Json) => name === 'inbound:*:8080'));
});

test('warns of a policy that applies to nobody', async () => {
  const { diff } = await openMesh();
  const { body } = await diff({ resources: [timeout('1s', { kind: 'Dataplane', labels: { app: 'none' } })] });
  assert.equal(body.counts.proxies, 0);
  assert.match(
    body.warnings[0].message,
    /^MeshTimeout patience selects no proxy of the mesh default\. Of .*: it wants the label app=none, the proxy has no label app; correct spec\.targetRef/,
  );
});

test('a policy that changes no proxy says which one overrides it, or which protocol it is for', async () => {
  const { diff, ask } = await openMesh();
  await ask('PUT', '/meshes/default/meshtimeouts/earlier', { ...timeout('3s'), name: 'earlier' });
  const { body } = await diff({ resources: [timeout('1s')] });
  assert.equal(body.counts.proxies, 0);
  assert.deepEqual(
    body.warnings.map(({ message }: Json) => message),
    [
      'MeshTimeout patience: everything that spec.to[0] says is overridden by earlier: its name comes first in the alphabet; change earlier, or make this policy narrower than it',
    ],
  );
  // Of one that says more the rest is in force, and the proxies that change say so.
  const more = await diff({ resources: [timeout('1s', { kind: 'Mesh' }, { connectionTimeout: '2s' })] });
  assert.deepEqual([more.body.counts.proxies, more.body.warnings], [2, []]);
  const retry = { type: 'MeshRetry', mesh: 'default', name: 'again' };
  const to = [{ targetRef: { kind: 'Mesh' }, default: { tcp: { maxConnectAttempt: 5 } } }];
  const wrong = await diff({ resources: [{ ...retry, spec: { to } }] });
  assert.equal(wrong.body.counts.proxies, 0);
  assert.match(wrong.body.warnings[0].message, /^MeshRetry again has no effect: tcp.* works on tcp/);
});

test('warns of a destination that is not there, and names the one that was meant', async () => {
  const { diff } = await openMesh();
  const to = [{ targetRef: { kind: 'MeshService', name: 'bakend' }, default: { http: { requestTimeout: '1s' } } }];
  const { body } = await diff({ resources: [{ ...timeout('1s'), spec: { to } }] });
  assert.deepEqual(
    body.warnings.map(({ message }: Json) => message),
    ['MeshTimeout patience: there is no MeshService bakend, so this entry applies to nothing; did you mean "backend"?'],
  );
});

test('warns of a port or a namespace that the destination does not have', async () => {
  const { diff, ask } = await openMesh();
  const ports = [{ name: 'http', port: 8080, targetPort: 8080, appProtocol: 'http' }];
  const spec = { selector: { dataplaneTags: { 'kuma.io/service': 'backend' } }, ports };
  await ask('PUT', '/meshes/default/meshservices/shop', { type: 'MeshService', mesh: 'default', name: 'shop', spec });
  const warningsOf = async (sectionName: string): Promise<string[]> => {
    const targetRef = { kind: 'MeshService', name: 'shop', sectionName };
    const to = [{ targetRef, default: { http: { requestTimeout: '1s' } } }];
    const { body } = await diff({ resources: [{ ...timeout('1s'), spec: { to } }] });
    return body.warnings.map(({ message }: Json) => message);
  };
  assert.deepEqual(await warningsOf('http'), []);
  const text = (section: string) =>
    `MeshTimeout patience: the MeshService shop has no port called ${section} (there are: http), so this entry speaks of none of them`;
  assert.deepEqual(await warningsOf('8080'), [`${text('8080')}; did you mean "http"?`]);
  assert.deepEqual(await warningsOf('admin'), [`${text('admin')}; name a port that exists, or leave sectionName out`]);
  const targetRef = { kind: 'MeshService', name: 'shop', namespace: 'kuma-demo' };
  const to = [{ targetRef, default: { http: { requestTimeout: '1s' } } }];
  const { body } = await diff({ resources: [{ ...timeout('1s'), spec: { to } }] });
  assert.deepEqual(
    body.warnings.map(({ message }: Json) => message),
    [
      'MeshTimeout patience: the MeshService shop is not in the namespace kuma-demo, so this entry does not speak of it; leave namespace out: it is in none',
    ],
  );
});

test('a patch that cannot be applied changes nothing, and says so', async () => {
  const { diff } = await openMesh();
  const jsonPatches = [{ op: 'add', path: '/transportSocket/typedConfig/commonTlsContext/tlsParams', value: {} }];
  const cluster = { operation: 'Patch', match: { origin: 'inbound' }, jsonPatches };
  const spec = { default: { appendModifications: [{ cluster }] } };
  const { body } = await diff({ resources: [{ type: 'MeshProxyPatch', mesh: 'default', name: 'tls', spec }] });
  assert.deepEqual([body.counts.proxies, body.groups], [0, []]);
  assert.match(JSON.stringify(body.warnings), /appendModifications\[0\]\.cluster cannot be applied to the cluster/);
});

test('does not warn that the policies of a new mesh have no proxies yet', async () => {
  const { diff } = await openMesh();
  const { body } = await diff({
    resources: [
      { type: 'Mesh', name: 'shop' },
      { ...timeout('1s'), mesh: 'shop' },
    ],
  });
  assert.deepEqual([body.resources.length, body.warnings], [2, []]);
});

test('refuses a mesh that is not there by its name, and takes one of the same change', async () => {
  const { diff } = await openMesh();
  const elsewhere = { ...timeout('1s'), mesh: 'shop' };
  const { status, body } = await diff({ resources: [elsewhere] });
  assert.equal(status, 400);
  assert.deepEqual(body.invalid_parameters, [
    { field: 'resources[0].mesh', reason: 'there is no mesh "shop": apply it too, or correct the name' },
  ]);
  assert.equal((await diff({ resources: [elsewhere, { type: 'Mesh', name: 'shop' }] })).status, 200);
});

test('refuses what the write would refuse, with the place', async () => {
  const { diff } = await openMesh();
  const unreadable = await diff({ resources: [timeout('7s'), timeout('soon')] });
  assert.equal(unreadable.status, 400);
  assert.match(unreadable.body.detail, /^resources\[1\]: .*soon/);
  const invalid = await diff({ resources: [timeout('7s'), timeout('7s', { kind: 'Nobody' })] });
  assert.equal(invalid.status, 400);
  assert.match(
    invalid.body.invalid_parameters?.[0].field ?? JSON.stringify(invalid.body),
    /^resources\[1\]\.spec\.targetRef/,
  );
  assert.equal((await diff({ resources: [{ ...timeout('7s'), mesh: 'nowhere' }] })).status, 400);
  assert.equal((await diff({ deletions: [{ type: 'MeshTimeout', mesh: 'default', name: 'none' }] })).status, 404);
  assert.equal((await diff({ deletions: [{ type: 'MeshTimeOut', mesh: 'default', name: 'none' }] })).status, 400);
  assert.equal((await diff({ extra: [] })).status, 400);
  assert.equal((await diff({ resources: 'all' })).status, 400);
});

test('a secret is compared without being told', async () => {
  const { diff, ask } = await openMesh();
  const secret = (data: string) => ({ type: 'Secret', mesh: 'default', name: 'key', data });
  await ask('PUT', '/meshes/default/secrets/key', secret('Y2FuYXJ5LW9uZQ=='));
  const { status, body } = await diff({ resources: [secret('Y2FuYXJ5LXR3bw==')] });
  assert.equal(status, 200, JSON.stringify(body));
  assert.equal(body.resources[0].action, 'changed');
  assert.doesNotMatch(JSON.stringify(body), /Y2FuYXJ5/);
});

test('keys that stand in a resource are told to administrators only, and a mask stands for the stored key', async () => {
  const meshWith = (inlineString: string, expiration: string) => ({
    type: 'Mesh',
    name: 'other',
    mtls: {
      backends: [
        {
          name: 'own',
          type: 'provided',
          dpCert: { rotation: { expiration } },
          conf: { cert: { inlineString: 'a certificate' }, key: { inlineString } },
        },
      ],
    },
  });
  const { ask } = openApiFixture({ 'apiServer.authn.localhostIsAdmin': false });
  const put = await ask('PUT', '/meshes/other', meshWith('the very key', '1h'));
  assert.equal(put.status, 201, put.text);
  const { status, text, body } = await ask('POST', '/_diff', { resources: [meshWith('[redacted]', '2h')] });
  assert.equal(status, 200, text);
  assert.deepEqual(
    body.resources[0].fields.map(({ path }: { path: string }) => path),
    ['mtls.backends[own].dpCert.rotation.expiration'],
  );
  const removal = await ask('POST', '/_diff', { deletions: [{ type: 'Mesh', name: 'other' }] });
  assert.equal(removal.status, 200, removal.text);
  assert.doesNotMatch(`${text}${removal.text}`, /the very key/);
});
