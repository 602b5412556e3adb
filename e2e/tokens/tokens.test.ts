// A token that is revoked takes its proxy's stream with it at once; other proxies stay.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { openWorld } from '../harness/world.ts';

const world = await openWorld();
after(() => world.close());
const { controlPlane } = world;
const first = await controlPlane.dataplaneToken('default', 'first');
const one = await world.start({ service: 'first', folder: world.folder, token: first });
const other = await world.start({ service: 'other' });

const connected = async (service: typeof one): Promise<boolean> =>
  (await service.admin('/stats?filter=control_plane.connected_state')).includes('connected_state: 1');

test('a revoked token closes the stream within a second, and cannot open another', async () => {
  assert.equal(await connected(one), true);
  const [, claims = ''] = first.split('.');
  const { jti }: { jti: string } = JSON.parse(Buffer.from(claims, 'base64url').toString('utf8'));
  await controlPlane.apply({
    type: 'Secret',
    mesh: 'default',
    name: 'dataplane-token-revocations-default',
    data: Buffer.from(jti).toString('base64'),
  });
  await waitFor('the stream is closed', async () => !(await connected(one)), { within: 1000 });
  await waitFor('the control plane says so', async () => {
    const { json } = await controlPlane.request('GET', '/meshes/default/dataplanes/first/_overview');
    return JSON.stringify(json).includes('disconnectTime');
  });
  assert.equal(await connected(other), true);
});
