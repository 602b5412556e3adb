// What `_layout` says of who a data plane is.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openApiFixture } from './api-fixture.ts';

const mesh = 'default';

async function layoutOf(labels: Readonly<Record<string, string>>, ready: 'True' | 'False') {
  const { store, ask } = openApiFixture();
  const networking = { address: '192.168.0.1', inbound: [{ port: 80, tags: { 'kuma.io/service': 'web' } }] };
  const provider = { type: 'Bundled', bundled: { autogenerate: { enabled: true } } };
  const condition = { type: 'Ready', status: ready, reason: 'Any', message: 'any' };
  const resources = [
    { type: 'Mesh', mesh: '', name: mesh, labels: {}, spec: { meshServices: { mode: 'Exclusive' } } },
    { type: 'Dataplane', mesh, name: 'web-1', labels, spec: { networking } },
    {
      ...{ type: 'MeshIdentity', mesh, name: 'all', labels: {} },
      spec: { selector: { dataplane: {} }, provider },
      status: { conditions: [condition] },
    },
  ];
  await store.write(resources.map((resource) => ({ kind: 'put', resource })));
  const { status, body } = await ask('GET', `/meshes/${mesh}/dataplanes/web-1/_layout`);
  assert.equal(status, 200);
  return body;
}

test('a layout names the SPIFFE ID of a data plane, in the zone that its labels say', async () => {
  const labels = { 'kuma.io/zone': 'east', 'kuma.io/workload': 'web' };
  const layout = await layoutOf(labels, 'True');
  assert.equal(layout.spiffeId, 'spiffe://default.east.mesh.local/workload/web');
});

test('a data plane has no SPIFFE ID before the identity is ready, or without what its path is made of', async () => {
  assert.equal('spiffeId' in (await layoutOf({ 'kuma.io/workload': 'web' }, 'False')), false);
  assert.equal('spiffeId' in (await layoutOf({}, 'True')), false);
});
