// Policies of an older kind that proxies do not follow: writing one says so, and what to write instead.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { coreResourceTypes } from '@ursa/resources';
import { openApiFixture } from './api-fixture.ts';

const selectors = {
  sources: [{ match: { 'kuma.io/service': '*' } }],
  destinations: [{ match: { 'kuma.io/service': '*' } }],
};
const mesh = (fields: object = {}) => ({ type: 'Mesh', name: 'shop', ...fields });
const retry = { type: 'Retry', mesh: 'shop', name: 'often', ...selectors, conf: { http: { numRetries: 5 } } };
const permission = { type: 'TrafficPermission', mesh: 'shop', name: 'all', ...selectors };
const noEffect = 'Retry often has no effect: proxies do not follow policies of this kind; use MeshRetry';
const unenforced =
  'TrafficPermission all has no effect while the mesh shop has no mTLS: every client gets through; enable mTLS, and use MeshTrafficPermission';

test('every policy without a targetRef says whether proxies follow it', () => {
  const older = coreResourceTypes.filter(({ policy }) => policy?.isTargetRef === false);
  assert.deepEqual(
    older.filter(({ idle }) => idle === undefined).map(({ name }) => name),
    [],
  );
  assert.deepEqual(
    older.filter(({ idle }) => idle?.when !== 'always').map(({ name }) => name),
    ['TrafficPermission', 'TrafficRoute'],
  );
});

test('applying one warns, beside what is applied with it', async () => {
  const { ask } = openApiFixture();
  const { status, body } = await ask('POST', '/_apply', { resources: [mesh(), retry, permission] });
  assert.equal(status, 200, JSON.stringify(body));
  assert.deepEqual(
    body.resources.map(({ warnings }: { warnings?: readonly string[] }) => warnings),
    [undefined, [noEffect], [unenforced]],
  );
});

test('permissions and modes of mTLS of the newer kind say that there is no mTLS, unless it comes along', async () => {
  const { ask } = openApiFixture();
  const head = { mesh: 'shop', name: 'all' };
  const everybody = { targetRef: { kind: 'Mesh' } };
  const policies = [
    { type: 'MeshTrafficPermission', ...head, spec: { from: [{ ...everybody, default: { action: 'Deny' } }] } },
    { type: 'MeshTLS', ...head, spec: { rules: [{ default: { mode: 'Strict' } }] } },
  ];
  const idle = /^\w+ all has no effect while the mesh shop has no mTLS: every client gets through; enable a backend /;
  const warnings = (body: { resources: { warnings?: readonly string[] }[] }) =>
    body.resources.flatMap((resource) => resource.warnings ?? []).filter((text) => idle.test(text));
  const applied = await ask('POST', '/_apply', { resources: [mesh(), ...policies] });
  assert.equal(warnings(applied.body).length, 2, JSON.stringify(applied.body));
  const mtls = { enabledBackend: 'ca', backends: [{ name: 'ca', type: 'builtin' }] };
  const planned = async (together: object[]) =>
    JSON.stringify((await ask('POST', '/_diff', { resources: [...policies, ...together] })).body);
  assert.match(await planned([]), /MeshTLS all has no effect/);
  assert.doesNotMatch(await planned([mesh({ mtls })]), /has no effect/);
  await ask('PUT', '/meshes/shop', mesh({ mtls }));
  assert.equal(warnings((await ask('POST', '/_apply', { resources: policies })).body).length, 0);
});

test('a plan warns as well', async () => {
  const { ask } = openApiFixture();
  await ask('PUT', '/meshes/shop', mesh());
  const { body } = await ask('POST', '/_diff', { resources: [retry] });
  assert.ok(JSON.stringify(body).includes(noEffect), JSON.stringify(body));
});

test("a PUT warns in a header: its body is the peer's", async () => {
  const { ask } = openApiFixture();
  await ask('PUT', '/meshes/shop', mesh());
  for (const query of ['?dryRun=true', '', '']) {
    const { body, headers } = await ask('PUT', `/meshes/shop/retries/often${query}`, retry);
    assert.deepEqual(body, {});
    assert.equal(headers.warning, `299 kuma-cp "${noEffect}"`);
  }
});

test('fields of a Mesh and resources that come later say so as well', async () => {
  const { ask } = openApiFixture();
  const conf = { url: 'http://192.0.2.1:9411/api' };
  const tracing = { backends: [{ name: 'zipkin', type: 'zipkin', conf }] };
  const gateway = {
    ...{ type: 'MeshGateway', mesh: 'shop', name: 'edge', selectors: [{ match: { 'kuma.io/service': 'edge' } }] },
    conf: { listeners: [{ port: 80, protocol: 'HTTP' }] },
  };
  const { body } = await ask('POST', '/_apply', { resources: [mesh({ tracing }), gateway] });
  assert.deepEqual(
    body.resources.map(({ warnings }: { warnings?: readonly string[] }) => warnings?.map((text) => text.split(';')[0])),
    [['tracing of the Mesh shop has no effect yet: use MeshTrace'], ['MeshGateway edge has no effect yet']],
  );
});

test('permissions of the older kind are followed where there is mTLS', async () => {
  const { ask } = openApiFixture();
  await ask('PUT', '/meshes/shop', mesh());
  const warned = async () =>
    (await ask('PUT', '/meshes/shop/traffic-permissions/all', permission)).headers.warning !== undefined;
  assert.equal(await warned(), true);
  const mtls = { enabledBackend: 'ca', backends: [{ name: 'ca', type: 'builtin' }] };
  await ask('PUT', '/meshes/shop', mesh({ mtls }));
  assert.equal(await warned(), false);
});

test('routes of the older kind have an effect, unless all services are resources', async () => {
  const { ask } = openApiFixture();
  const route = {
    type: 'TrafficRoute',
    mesh: 'shop',
    name: 'all',
    ...selectors,
    conf: { destination: { 'kuma.io/service': '*' } },
  };
  const warning = async (mode: string) => {
    await ask('PUT', '/meshes/shop', mesh({ meshServices: { mode } }));
    return (await ask('PUT', '/meshes/shop/traffic-routes/all', route)).headers.warning;
  };
  assert.equal(await warning('Everywhere'), undefined);
  assert.match(
    String(await warning('Exclusive')),
    /TrafficRoute all has no effect while meshServices\.mode of the mesh shop is Exclusive/,
  );
});
