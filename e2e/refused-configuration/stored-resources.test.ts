// A store that holds, from before, resources that Envoy refuses and that nothing holds back: a service outside of the mesh, an instance, and a permission.
// Running proxies lose no request; one that starts gets everything else; what a permission guards is closed rather than open, and all of it is told.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { resourcePath } from '../../examples/demo/control-plane.ts';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { replaceInStore } from '../harness/replace-in-store.ts';
import { answers, meshWith, openWorld, policy } from '../harness/world.ts';

const world = await openWorld();
after(() => world.close());
const { controlPlane } = world;
const permission = policy('MeshTrafficPermission', 'by-identity', {
  targetRef: { kind: 'Mesh' },
  rules: [{ default: { allow: [{ spiffeID: { type: 'Prefix', value: 'spiffe://default/' } }] } }],
});
await controlPlane.apply(meshWith('STRICT'));
await controlPlane.apply(permission);
const backend = await world.start({ service: 'backend' });
const client = await world.start({ service: 'client', calls: ['backend', 'maps', 'other'] });
const url = client.urlOf('backend');

// The machine may have much else to do; what is asserted are counts and contents.
const patience = { within: 60_000 };
await answers(url, 200, patience.within);

const maps = {
  type: 'ExternalService',
  mesh: 'default',
  name: 'maps',
  tags: { 'kuma.io/service': 'maps', 'kuma.io/protocol': 'http' },
  networking: { address: '127.0.0.1:4433', tls: { enabled: true, serverName: 'sn.example' } },
};

const other = {
  type: 'Dataplane',
  mesh: 'default',
  name: 'other-1',
  networking: {
    address: '127.0.0.1',
    advertisedAddress: '127.0.0.7',
    inbound: [{ port: 4322, tags: { 'kuma.io/service': 'other', 'kuma.io/protocol': 'http' } }],
  },
};

const mapsPath = '/meshes/default/external-services/maps';

async function applyAll(): Promise<void> {
  const { status, json } = await controlPlane.request('PUT', mapsPath, maps);
  assert.ok(status < 300, JSON.stringify(json));
  await controlPlane.apply(other);
}

const rejected = async (type: string) =>
  Number(/update_rejected: (\d+)/.exec(await client.admin(`/stats?filter=${type}.update_rejected`))?.[1] ?? Number.NaN);

test('a service outside and an instance that Envoy refuses cost no request, and a proxy that starts gets everything else', async () => {
  await applyAll();
  await waitFor(
    'the service is known',
    async () => (await client.admin('/config_dump')).includes('sn.example'),
    patience,
  );
  const load = world.load({ url, perSecond: 50, newConnections: true });
  const nothing = String.raw`s\u0000n`;
  await replaceInStore(world, [
    { type: 'ExternalService', before: 'sn.example', now: nothing },
    { type: 'Dataplane', before: '127.0.0.7', now: 'no host name' },
  ]);
  const refused = await controlPlane.request(
    'PUT',
    mapsPath,
    JSON.parse(JSON.stringify(maps).replace('sn.example', nothing)),
  );
  assert.equal(refused.status, 400, 'today a write of it is refused');
  await waitFor('Envoy has refused it', async () => (await rejected('cluster_manager.cds')) > 0, patience);
  assert.deepEqual((await load.stop()).failures, []);

  await client.restart();
  await answers(url, 200, patience.within);
  const restarted = world.load({ url, perSecond: 50, newConnections: true });
  await waitFor('it has traffic', () => restarted.report().sent > 50, patience);
  assert.deepEqual((await restarted.stop()).failures, []);
  const { json } = await controlPlane.request('GET', '/meshes/default/_explain?from=client&to=other');
  assert.match(JSON.stringify(json), /no host name is a host name for which no IP address is known/);
  await applyAll();
  await waitFor('it is mended', async () => (await client.admin('/config_dump')).includes('sn.example'), patience);
});

test('a permission that Envoy refuses costs no request of running proxies; a server that starts is closed until it is mended', async () => {
  const load = world.load({ url, perSecond: 50, newConnections: true });
  await replaceInStore(world, [{ type: 'MeshTrafficPermission', before: 'spiffe://default/', now: '' }]);
  const [condition] = await waitFor(
    'the policy says that it is refused',
    async () => {
      const { json } = await controlPlane.request('GET', resourcePath(permission));
      type Answer = { readonly status?: { readonly conditions?: readonly { message: string; status: string }[] } };
      const found = (json as Answer).status?.conditions ?? [];
      return found.length > 0 && found;
    },
    patience,
  );
  assert.equal(condition?.status, 'False');
  assert.match(condition?.message ?? '', /guards access, so it is not held back/);
  assert.deepEqual((await load.stop()).failures, []);

  await backend.restart();
  const closed = await fetch(url).then(({ status }) => status);
  assert.equal(closed, 503, 'closed, not open');
  await controlPlane.apply(permission);
  await answers(url, 200, patience.within);
});
