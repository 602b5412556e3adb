// Reachability that follows from permissions: what a proxy's Envoy holds, and whom a permission that changes is sent to.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { loopbackRanges, startBound } from '../harness/bound.ts';
import { runKumactl } from '../harness/kumactl.ts';
import { answers, meshWith, openWorld, policy } from '../harness/world.ts';

const ranges = await loopbackRanges();
const port = ranges.KUMA_DNS_SERVICE_SERVICE_VIP_PORT;
const world = await openWorld({
  ...ranges,
  KUMA_EXPERIMENTAL_AUTO_REACHABLE_SERVICES: 'true',
  KUMA_DEFAULTS_SKIP_MESH_CREATION: 'true',
});
after(() => world.close());
const { controlPlane } = world;

/** Lets clients reach a service, and nobody else. */
const permit = (service: string, ...clients: string[]) =>
  policy('MeshTrafficPermission', `to-${service}`, {
    targetRef: { kind: 'MeshSubset', tags: { 'kuma.io/service': service } },
    from: clients.map((client) => ({
      targetRef: { kind: 'MeshSubset', tags: { 'kuma.io/service': client } },
      default: { action: 'Allow' },
    })),
  });

await controlPlane.apply({ ...meshWith('STRICT'), skipCreatingInitialPolicies: ['*'] });
await controlPlane.apply(permit('backend', 'web'));
await controlPlane.apply(permit('other', 'nobody'));
await controlPlane.apply(permit('web', 'nobody'));
const backend = await world.start({ service: 'backend' });
const web = await startBound(world, 'web');
const other = await startBound(world, 'other');

/** How often its Envoy has taken listeners and clusters. */
const updates = async (service: typeof web): Promise<string> =>
  await service.admin('/stats?filter=(lds|cds).update_success');

test('who is let in has the listener and the name; who is not has neither', async () => {
  const address = await waitFor('backend has an address', async () => (await web.lookUp('backend.mesh')) ?? false);
  assert.equal(await answers(`http://${address}:${port}/`, 200), backend.name);
  assert.deepEqual(await web.listensOn(), [`outbound:${address}:${port}`]);
  assert.deepEqual(await other.listensOn(), []);
  assert.equal(await other.lookUp('backend.mesh'), undefined);
});

test('a permission that is taken takes the listener; another proxy is sent nothing', async () => {
  const before = await updates(other);
  await controlPlane.apply(permit('backend', 'batch'));
  await waitFor('web does not listen any more', async () => (await web.listensOn()).length === 0);
  await waitFor('its name is gone', async () => (await web.lookUp('backend.mesh')) === undefined);
  assert.equal(await updates(other), before);
});

test('a permission that is given gives it, to whom it concerns', async () => {
  const before = await updates(web);
  await controlPlane.apply(permit('backend', 'other'));
  const address = await waitFor('other knows the name', async () => (await other.lookUp('backend.mesh')) ?? false);
  assert.equal(await answers(`http://${address}:${port}/`, 200), backend.name);
  assert.equal(await updates(web), before);
});

test('explain says which permission is missing', async () => {
  const { output } = await runKumactl(controlPlane.apiUrl, ['explain', 'web', 'backend']);
  assert.match(output, /^denied: web -> backend: spiffe:\/\/default\/web is refused: to-backend let others in/);
  assert.match(output, /web-2 has no outbound to backend, because nothing behind backend lets it in/);
});
