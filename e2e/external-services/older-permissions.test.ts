// An older TrafficPermission for a service outside that proxies call themselves: who may not call gets no server, whatever it opens the call with.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { ResourceDocument } from '../../examples/demo/control-plane.ts';
import { askUntil } from '../harness/ask.ts';
import { openEchoService } from '../harness/echo-service.ts';
import { allowAll, type MeshService, meshWith, openWorld } from '../harness/world.ts';

const world = await openWorld();
const partner = await openEchoService('partner');
after(async () => {
  await partner.close();
  await world.close();
});
const { controlPlane } = world;
await controlPlane.apply(meshWith('STRICT'));
await controlPlane.apply(allowAll);
// The peer's default retry policy would ask again.
assert.equal((await controlPlane.request('DELETE', '/meshes/default/meshretries/mesh-retry-all-default')).status, 200);

const put = async (path: string, document: ResourceDocument): Promise<void> => {
  const { status, text } = await controlPlane.request('PUT', `/meshes/default/${path}/${document.name}`, document);
  assert.ok(status < 300, text);
};
await put('external-services', {
  type: 'ExternalService',
  mesh: 'default',
  name: 'partner',
  tags: { 'kuma.io/service': 'partner', 'kuma.io/protocol': 'http' },
  networking: { address: `localhost:${partner.port}` },
});
const permit = (source: string, destination: string) =>
  put('traffic-permissions', {
    type: 'TrafficPermission',
    mesh: 'default',
    name: 'outside',
    sources: [{ match: { 'kuma.io/service': source } }],
    destinations: [{ match: { 'kuma.io/service': destination } }],
  });
const [web, batch] = [
  await world.start({ service: 'web', calls: ['partner'] }),
  await world.start({ service: 'batch', calls: ['partner'] }),
];
const answered = (client: MeshService, status: number) =>
  askUntil(`${client.name} is answered ${status}`, client.urlOf('partner'), {}, (answer) => answer.status === status);
const explained = async (from: string): Promise<string> => {
  const { json } = await controlPlane.request('GET', `/meshes/default/_explain?from=${from}&to=partner`);
  return (json as { readonly summary: string }).summary;
};

test('without a TrafficPermission everybody calls, whatever the newer form lets in', async () => {
  await answered(web, 200);
  await answered(batch, 200);
});

test('a TrafficPermission gives the server to its sources, and 503 to all others', async () => {
  await permit('web', 'partner');
  await answered(batch, 503);
  await answered(web, 200);
  assert.match(await explained('web'), /^allowed: web -> partner: it reaches localhost:/);
  assert.match(await explained('batch'), /^denied: .*batch-2 is not among the sources of TrafficPermission outside/);
});

test('it is given and taken while proxies run', async () => {
  await permit('batch', 'partner');
  await answered(batch, 200);
  await answered(web, 503);
  await permit('*', 'elsewhere');
  await answered(batch, 503);
  assert.match(await explained('web'), /no TrafficPermission selects partner, and the mesh default has others/);
  await permit('*', '*');
  await answered(web, 200);
  await answered(batch, 200);
});

test('without mTLS it has no effect', async () => {
  await permit('web', 'partner');
  await answered(batch, 503);
  await controlPlane.apply({ type: 'Mesh', name: 'default' });
  await answered(batch, 200);
});
