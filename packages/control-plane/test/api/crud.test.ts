// Create, read, update, delete through the API.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openApiFixture } from './api-fixture.ts';

const timeout = (connectionTimeout: string) => ({
  type: 'MeshTimeout',
  mesh: 'default',
  name: 'a',
  spec: { to: [{ targetRef: { kind: 'Mesh' }, default: { connectionTimeout } }] },
});

async function openWithMesh() {
  const fixture = openApiFixture();
  const created = await fixture.ask('PUT', '/meshes/default', { type: 'Mesh', name: 'default' });
  assert.equal(created.status, 201, created.text);
  return fixture;
}

test('a resource is created with 201, read back, updated with 200 and deleted', async () => {
  const { ask } = await openWithMesh();
  const created = await ask('PUT', '/meshes/default/meshtimeouts/a', timeout('3s'));
  assert.deepEqual([created.status, created.body], [201, {}]);
  const got = await ask('GET', '/meshes/default/meshtimeouts/a');
  assert.equal(got.status, 200);
  assert.equal(got.headers['content-type'], 'application/json');
  assert.equal(got.body.kri, 'kri_mt_default_default__a_');
  assert.deepEqual(got.body.spec, timeout('3s').spec);
  assert.equal((await ask('PUT', '/meshes/default/meshtimeouts/a', timeout('4s'))).status, 200);
  assert.deepEqual((await ask('DELETE', '/meshes/default/meshtimeouts/a')).body, {});
  assert.equal((await ask('GET', '/meshes/default/meshtimeouts/a')).status, 404);
  assert.equal((await ask('DELETE', '/meshes/default/meshtimeouts/a')).body.title, 'Could not delete a resource');
});

test('the body is printed with an indent of one space', async () => {
  const { ask } = await openWithMesh();
  const { text } = await ask('GET', '/meshes/default');
  assert.match(text, /^\{\n "type": "Mesh",\n "name": "default",\n/);
});
