// Outbounds without redirection: a proxy listens on the virtual addresses, which are of the loopback, and its DNS server leads there by name.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { loopbackRanges, startBound } from '../harness/bound.ts';
import { runKumactl } from '../harness/kumactl.ts';
import { allowAll, answers, meshWith, openWorld } from '../harness/world.ts';

const ranges = await loopbackRanges();
const port = ranges.KUMA_DNS_SERVICE_SERVICE_VIP_PORT;
const world = await openWorld(ranges);
after(() => world.close());
const { controlPlane } = world;
await controlPlane.apply({ ...meshWith('STRICT'), meshServices: { mode: 'Everywhere' } });
await controlPlane.apply(allowAll);
const web = await startBound(world, 'web');
const backend = await world.start({ service: 'backend' });

const addressOf = (name: string): Promise<string> =>
  waitFor(`${name} has an address`, async () => (await web.lookUp(name)) ?? false);

test('a service is called by its name, over mTLS, and nothing is redirected', async () => {
  const address = await addressOf('backend.mesh');
  assert.match(address, /^127\./);
  assert.equal(await answers(`http://${address}:${port}/`, 200), backend.name);
  const past = await fetch(`http://127.0.0.1:${backend.inboundPort}/`).catch(() => 'refused');
  assert.equal(past, 'refused', 'who does not go through the proxy is not let in');
});

test('so is a MeshService, at its own port', async () => {
  const address = await addressOf('backend.svc.mesh.local');
  assert.equal(await answers(`http://${address}:${backend.inboundPort}/`, 200), backend.name);
});

test('what is not of the mesh is not asked of a server on the same host', async () => {
  assert.equal(await web.lookUp('nobody.mesh'), undefined);
});

test('a service that comes is listened for at once', async () => {
  const late = await world.start({ service: 'late' });
  const address = await addressOf('late.mesh');
  assert.equal(await answers(`http://${address}:${port}/`, 200), late.name);
  assert.ok((await web.listensOn()).includes(`outbound:${address}:${port}`));
});

test('another proxy of the host cannot take part of the calls: the address is used, and its Envoy says so', async () => {
  const other = await startBound(world, 'other');
  const address = await addressOf('backend.mesh');
  await waitFor('the control plane knows that it was refused', async () => {
    const { json } = await controlPlane.request('GET', `/meshes/default/dataplanes/${other.name}/_overview`);
    return /(cannot bind|Address already in use)/.test(JSON.stringify(json));
  });
  assert.deepEqual(
    (await other.listensOn()).filter((name) => name.includes(address)),
    [],
  );
  for (let call = 0; call < 10; call += 1) assert.equal(await answers(`http://${address}:${port}/`, 200), backend.name);
  const stats = await other.admin('/stats?filter=cluster.backend.upstream_rq_total');
  assert.doesNotMatch(stats, /upstream_rq_total: [1-9]/);
});

test('explain follows a call to the address', async () => {
  const { output } = await runKumactl(controlPlane.apiUrl, ['explain', 'web', 'backend']);
  assert.match(output, /^allowed: web -> backend/);
  assert.match(output, /outbound {4}127\.\S+ leads to backend/);
});
