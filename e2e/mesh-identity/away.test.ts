// Proxies that are between two connections while a MeshIdentity comes into use: it waits for them, and no request is lost.
import assert from 'node:assert/strict';
import { connect, createServer, type Socket } from 'node:net';
import { after, test } from 'node:test';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { answers, openWorld } from '../harness/world.ts';
import { clients, isReady, meshIdentity, presents, rules, spiffeId, withoutLoss } from './identities.ts';

/** The way of the proxies to the control plane. */
const sockets = new Set<Socket>();
let isCut = false;
let controlPlanePort = 0;
const way = createServer((proxy) => {
  if (isCut) {
    proxy.destroy();
    return;
  }
  const controlPlane = connect(controlPlanePort, '127.0.0.1');
  const ends = [proxy, controlPlane];
  for (const socket of ends) {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => {
      sockets.delete(socket);
      for (const end of ends) end.destroy();
    });
  }
  proxy.pipe(controlPlane).pipe(proxy);
});
await new Promise<void>((resolve) => way.listen(0, resolve));
after(() => {
  way.close();
  for (const socket of sockets) socket.destroy();
});
const address = way.address();
const world = await openWorld({
  KUMA_BOOTSTRAP_SERVER_PARAMS_XDS_PORT: String(typeof address === 'object' && address !== null ? address.port : 0),
});
after(() => world.close());
const { controlPlane } = world;
controlPlanePort = Number(new URL(controlPlane.dataPlaneUrl).port);
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

async function isOffline(name: string): Promise<boolean> {
  const { json } = await controlPlane.request('GET', `/meshes/default/dataplanes/${name}/_overview`);
  const { subscriptions } = (json as { readonly dataplaneInsight: { readonly subscriptions: readonly object[] } })
    .dataplaneInsight;
  return subscriptions.every((subscription) => 'disconnectTime' in subscription);
}

test('a MeshIdentity is not used before those have heard of it whose connection has just ended', async () => {
  await withoutLoss(world, url, async () => {
    isCut = true;
    for (const socket of sockets) socket.destroy();
    for (const { name } of [backend, web]) await waitFor(`${name} is offline`, () => isOffline(name));
    await controlPlane.apply(meshIdentity('another', { spiffeID: newPath }));
    await waitFor('it waits for the proxies', async () =>
      (await conditionsOf('another')).includes('waiting until the connected proxies of the mesh trust it'),
    );
    isCut = false;
    await isReady(controlPlane, 'another');
    await presents(backend, moved('backend'));
    await presents(web, moved('web'));
  });
  assert.ok((await conditionsOf('identity')).includes('Successfully initialized'));
});
