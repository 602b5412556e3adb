// Create, read, update, delete through the API, and how it refuses.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aloneZone, openApiFixture } from './api-fixture.ts';
import { dataplaneDocument, openDefault, timeoutDocument } from './documents.ts';

const path = '/meshes/default/meshtimeouts/a';

test('a resource is created with 201, read back, updated with 200 and deleted', async () => {
  const { ask } = await openDefault();
  const created = await ask('PUT', path, timeoutDocument());
  assert.deepEqual([created.status, created.body], [201, {}]);
  const got = await ask('GET', path);
  assert.equal(got.status, 200);
  assert.equal(got.headers['content-type'], 'application/json');
  assert.equal(got.body.kri, 'kri_mt_default_default__a_');
  assert.deepEqual(got.body.spec, timeoutDocument().spec);
  assert.equal((await ask('PUT', path, timeoutDocument('a', '4s'))).status, 200);
  assert.deepEqual((await ask('DELETE', path)).body, {});
  assert.equal((await ask('GET', path)).status, 404);
  assert.equal((await ask('DELETE', path)).body.title, 'Could not delete a resource');
});

test('bodies are printed with an indent of one space, lists like single resources', async () => {
  const { ask } = await openDefault();
  assert.match((await ask('GET', '/meshes/default')).text, /^\{\n "type": "Mesh",\n "name": "default",\n/);
  const list = await ask('GET', '/meshes');
  assert.equal(list.text, `${JSON.stringify(list.body, null, 1)}\n`);
  const empty = await ask('GET', '/zones');
  assert.deepEqual(empty.body, { total: 0, items: [], next: null });
});

test('name, mesh and type of the body must be those of the path', async () => {
  const { ask } = await openDefault();
  const { status, body } = await ask('PUT', path, { ...timeoutDocument('b'), mesh: 'other' });
  assert.equal(status, 400);
  assert.equal(body.title, 'Could not process a resource');
  assert.deepEqual(body.causes, [
    { field: 'name', message: 'name from the URL has to be the same as in body' },
    { field: 'mesh', message: 'mesh from the URL has to be the same as in body' },
  ]);
});

test('an error has the form of the reference, and repeats itself for older clients', async () => {
  const { ask } = await openDefault();
  const { body } = await ask('GET', '/meshes/nope/meshtimeouts/a');
  assert.deepEqual(body, {
    type: '/std-errors',
    status: 404,
    title: 'Failed to retrieve Mesh',
    detail: 'Not found',
    details: 'Not found',
  });
});

test('an unknown field is refused by name with a suggestion', async () => {
  const { ask } = await openDefault();
  const document = timeoutDocument();
  const misspelt = {
    ...document,
    spec: { to: [{ targetRef: { kind: 'Mesh' }, default: { conectionTimeout: '1s' } }] },
  };
  const { status, body } = await ask('PUT', path, misspelt);
  assert.equal(status, 400);
  assert.equal(body.causes[0].field, 'spec.to[0].default.conectionTimeout');
  assert.match(body.causes[0].message, /did you mean "connectionTimeout"/);
});

test('an unknown path is 404 and a wrong method 405, both as plain text', async () => {
  const { ask } = await openDefault();
  const unknown = await ask('GET', '/versions');
  assert.deepEqual(
    [unknown.status, unknown.headers['content-type'], unknown.text],
    [404, 'text/plain', '404: Page Not Found'],
  );
  for (const method of ['POST', 'PATCH']) {
    const wrong = await ask(method, path, {});
    assert.deepEqual([wrong.status, wrong.text], [405, '405: Method Not Allowed']);
  }
});

test('types that only the control plane writes answer 405 to writes', async () => {
  const { ask } = await openDefault();
  const { status, body } = await ask('PUT', '/meshes/default/dataplane-insights/a', {});
  assert.deepEqual([status, body.title], [405, 'Method not allowed']);
});

test('a read-only API refuses every write and says why', async () => {
  const { ask } = openApiFixture({ 'apiServer.readOnly': true });
  const { status, body } = await ask('PUT', '/meshes/default', { type: 'Mesh', name: 'default' });
  assert.equal(status, 405);
  assert.match(body.detail, /readOnly/);
  assert.equal((await ask('GET', '/meshes')).status, 200);
});

test('a global control plane does not write data planes, a governed zone does not write meshes', async () => {
  const global = openApiFixture({}, { ...aloneZone, mode: 'global', zone: '' });
  assert.equal((await global.ask('PUT', '/meshes/default', { type: 'Mesh', name: 'default' })).status, 201);
  assert.equal((await global.ask('PUT', '/meshes/default/dataplanes/d', dataplaneDocument('d'))).status, 405);
  const governed = openApiFixture({}, { ...aloneZone, federated: true });
  assert.equal((await governed.ask('PUT', '/meshes/default', { type: 'Mesh', name: 'default' })).status, 405);
});

test('a dry run answers like the write and writes nothing', async () => {
  const { ask, store } = await openDefault();
  const before = store.revision();
  assert.equal((await ask('PUT', `${path}?dryRun=true`, timeoutDocument())).status, 201);
  const bad = await ask('PUT', `${path}?dryRun=true`, { ...timeoutDocument(), spec: { to: [{}] } });
  assert.equal(bad.status, 400);
  assert.equal(store.revision(), before);
  assert.equal((await ask('GET', path)).status, 404);
});

test('a YAML body is read like JSON', async () => {
  const { ask } = await openDefault();
  const yaml =
    'type: MeshTimeout\nmesh: default\nname: a\nspec:\n  to:\n  - targetRef: {kind: Mesh}\n    default: {connectionTimeout: 3s}\n';
  assert.equal((await ask('PUT', path, yaml, { 'content-type': 'application/yaml' })).status, 201);
  assert.deepEqual((await ask('GET', path)).body.spec, timeoutDocument().spec);
});

test('the Kubernetes form is given on request, an unknown form refused', async () => {
  const { ask } = await openDefault();
  await ask('PUT', path, timeoutDocument());
  const { body } = await ask('GET', `${path}?format=k8s&namespace=mesh-system`);
  assert.deepEqual([body.kind, body.metadata.namespace], ['MeshTimeout', 'mesh-system']);
  assert.equal((await ask('GET', `${path}?format=nope`)).status, 400);
});

test('the paths of older clients for three types work', async () => {
  const { ask } = openApiFixture();
  const secret = { type: 'GlobalSecret', name: 's', data: 'dGVzdA==' };
  assert.equal((await ask('PUT', '/global-secrets/s', secret)).status, 201);
  assert.equal((await ask('GET', '/globalsecrets/s')).body.data, 'dGVzdA==');
});

test('all of it can be served below a path', async () => {
  const { ask } = openApiFixture({ 'apiServer.basePath': '/mesh/' });
  assert.equal((await ask('PUT', '/mesh/meshes/a', { type: 'Mesh', name: 'a' })).status, 201);
  await ask('PUT', '/mesh/meshes/b', { type: 'Mesh', name: 'b' });
  const { body } = await ask('GET', '/mesh/meshes?size=1');
  assert.equal(body.next, 'http://127.0.0.1:5681/mesh/meshes?offset=1&size=1');
  assert.equal((await ask('GET', '/meshes')).status, 404);
  assert.equal((await ask('GET', '/mesh/openapi.json')).body.servers[0].url, '/mesh');
});

test('the page of the GUI says that it comes later, under its own path', async () => {
  const { ask } = openApiFixture({ 'apiServer.basePath': '/mesh' });
  const moved = await ask('GET', '/gui');
  assert.deepEqual([moved.status, moved.headers.location], [307, '/gui/']);
  const page = await ask('GET', '/gui/');
  assert.match(page.text, /not part of this version/);
  assert.match(String(page.headers['content-security-policy']), /frame-ancestors 'none'/);
  assert.equal((await openApiFixture({ 'apiServer.gui.enabled': false }).ask('GET', '/gui')).status, 404);
});
