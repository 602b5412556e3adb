// Workloads get other SPIFFE IDs: refused where they have some from the same MeshIdentity, and, by the way that the refusal names, without losing a request.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { answers, openWorld } from '../harness/world.ts';
import { clients, isReady, meshIdentity, presents, rules, spiffeId, withoutLoss } from './identities.ts';

const world = await openWorld({ KUMA_DEFAULTS_SKIP_MESH_CREATION: 'true' }, true);
after(() => world.close());
const { controlPlane } = world;
const mesh = { type: 'Mesh', name: 'default', meshServices: { mode: 'Exclusive' }, skipCreatingInitialPolicies: ['*'] };
await controlPlane.apply(mesh);
await controlPlane.apply(meshIdentity('identity'));
const newPath = { path: '/workload/{{ label "app" }}' };
const newDomain = { ...newPath, trustDomain: 'shop.example' };
const withPath = (service: string) => `spiffe://default.default.mesh.local/workload/${service}`;
const withDomain = (service: string) => `spiffe://shop.example/workload/${service}`;
// Permissions name clients as they are now and as they are going to be.
await controlPlane.apply(
  rules({ allow: [spiffeId('web'), withPath('web'), withDomain('web')].map((id) => clients(id)) }),
);
const backend = await world.start({ service: 'backend' });
await world.start({ service: 'backend' });
const web = await world.start({ service: 'web', calls: ['backend'] });
const url = web.urlOf('backend');
await answers(url, 200);

const put = (name: string, more: Parameters<typeof meshIdentity>[1]) =>
  controlPlane.request('PUT', `/meshes/default/meshidentities/${name}`, meshIdentity(name, more));

test('another path, or another trust domain, for who has a name is refused with the way that loses nothing', async () => {
  await presents(backend, spiffeId('backend'));
  for (const spiffeID of [newPath, newDomain]) {
    const { status, text } = await put('identity', { spiffeID });
    assert.equal(status, 409, text);
    for (const word of ['new name', spiffeId('backend'), 'second MeshIdentity', 'kuma.io/mesh', 'delete'])
      assert.ok(text.includes(word), `${word} in ${text}`);
  }
  await presents(backend, spiffeId('backend'));
});

test('a second MeshIdentity with one more label moves them to another path, and the first is deleted', async () => {
  await withoutLoss(world, url, async () => {
    const { status, text } = await put('renamed', { spiffeID: newPath, matchLabels: { 'kuma.io/mesh': 'default' } });
    assert.equal(status, 201, text);
    await isReady(controlPlane, 'renamed');
    for (const service of [backend, web]) await presents(service, withPath(service === web ? 'web' : 'backend'));
    await controlPlane.delete(meshIdentity('identity'));
  });
  await presents(backend, withPath('backend'));
});

test('one with a name that comes first moves them to another trust domain', async () => {
  await withoutLoss(world, url, async () => {
    const { status, text } = await put('another', { spiffeID: newDomain, matchLabels: { 'kuma.io/mesh': 'default' } });
    assert.equal(status, 201, text);
    await isReady(controlPlane, 'another');
    for (const service of [backend, web]) await presents(service, withDomain(service === web ? 'web' : 'backend'));
    await controlPlane.delete(meshIdentity('renamed'));
  });
  await presents(backend, withDomain('backend'));
  await controlPlane.apply(rules({ allow: [clients(withDomain('web'))] }));
  await answers(url, 200);
});
