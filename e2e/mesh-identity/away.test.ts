// Proxies that are between two connections while a MeshIdentity comes into use: it waits for them, and no request is lost.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { openWorldByWay } from '../harness/way.ts';
import { answers } from '../harness/world.ts';
import { clients, isReady, meshIdentity, presents, rules, spiffeId, withoutLoss } from './identities.ts';

const { way, world } = await openWorldByWay();
const { controlPlane } = world;
const newPath = { path: '/moved/{{ label "app" }}' };
const moved = (service: string) => `spiffe://default.default.mesh.local/moved/${service}`;
await controlPlane.apply(meshIdentity('identity'));
await controlPlane.apply(rules({ allow: [spiffeId('web'), moved('web')].map((id) => clients(id)) }));
const backend = await world.start({ service: 'backend' });
const web = await world.start({ service: 'web', calls: ['backend'] });
const url = web.urlOf('backend');
await answers(url, 200);
await presents(backend, spiffeId('backend'));
await presents(web, spiffeId('web'));

async function conditionsOf(name: string): Promise<string> {
  const { json } = await controlPlane.request('GET', `/meshes/default/meshidentities/${name}`);
  return JSON.stringify((json as { readonly status?: object }).status);
}

test('a MeshIdentity is not used before those have heard of it whose connection has just ended', async () => {
  await withoutLoss(world, url, async () => {
    await way.cut(backend, web);
    await controlPlane.apply(meshIdentity('another', { spiffeID: newPath }));
    await waitFor('it waits for the proxies', async () =>
      (await conditionsOf('another')).includes('waiting until the connected proxies of the mesh trust it'),
    );
    way.mend();
    await isReady(controlPlane, 'another');
    await presents(backend, moved('backend'));
    await presents(web, moved('web'));
  });
  assert.ok((await conditionsOf('identity')).includes('Successfully initialized'));
});
