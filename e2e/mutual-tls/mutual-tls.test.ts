// Two services talk through two Envoys over mutual TLS; what is not encrypted is refused or let in as the mesh says.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { allow, answers, meshWith, openWorld } from '../harness/world.ts';

const world = await openWorld();
after(() => world.close());
const { controlPlane } = world;
// Without retries, so that every request that is lost is seen.
assert.equal((await controlPlane.request('DELETE', '/meshes/default/meshretries/mesh-retry-all-default')).status, 200);
const backend = await world.start({ service: 'backend' });
const client = await world.start({ service: 'client', calls: ['backend'] });
const url = client.urlOf('backend');
const plain = `http://127.0.0.1:${backend.inboundPort}/`;

async function handshakes(): Promise<number> {
  const stats = await backend.admin(`/stats?filter=%5Elistener%5C.127.0.0.1_${backend.inboundPort}%5C.ssl.handshake`);
  return Number(stats.match(/ssl\.handshake: (\d+)/)?.[1] ?? 0);
}

test('without mutual TLS, services talk in the clear', async () => {
  assert.equal(await answers(url, 200), backend.name);
  assert.equal(await handshakes(), 0);
});

test('PERMISSIVE lets in who is in the mesh and who is not, and loses no request on the way there', async () => {
  await controlPlane.apply(allow('client'));
  const load = world.load({ url, perSecond: 200 });
  await waitFor('traffic flows', () => load.report().sent > 100);
  await controlPlane.apply(meshWith('PERMISSIVE'));
  await waitFor('the client comes over TLS', async () => {
    await answers(url, 200);
    return (await handshakes()) > 0;
  });
  assert.equal(await answers(plain, 200), backend.name);
  const before = load.report().sent;
  await waitFor('traffic goes on', () => load.report().sent > before + 100);
  const { sent, failures } = await load.stop();
  assert.deepEqual(failures, [], `${failures.length} of ${sent} requests failed`);
});

test('STRICT refuses who is not in the mesh, and loses no request of who is', async () => {
  const load = world.load({ url, perSecond: 100 });
  await waitFor('traffic flows', () => load.report().sent > 50);
  await controlPlane.apply(meshWith('STRICT'));
  await waitFor('plain text is refused', async () => (await fetch(plain).catch(() => 'refused')) === 'refused');
  const before = load.report().sent;
  await waitFor('traffic goes on', () => load.report().sent > before + 50);
  const { sent, failures } = await load.stop();
  assert.deepEqual(failures, [], `${failures.length} of ${sent} requests failed`);
});

test('the client proves who it is with a certificate of the mesh', async () => {
  assert.equal(await answers(url, 200), backend.name);
  const certificates = await client.admin('/certs');
  assert.match(certificates, /spiffe:\/\/default\/client/);
  assert.match(certificates, /kuma:\/\/kuma\.io\/service\/client/);
});
