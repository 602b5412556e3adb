// Every command of the guide "From plain text to mTLS only" does what the guide says, while traffic flows and a client is still outside of the mesh.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { testFolderGuide } from '../harness/folder-guide.ts';
import { allow, answers, openWorld } from '../harness/world.ts';

// Ten minutes in the guide.
const world = await openWorld({ KUMA_POLICIES_STRICT_MTLS_QUIET_PERIOD: '3s' });
after(() => world.close());
await world.controlPlane.apply(allow('client'));
const backend = await world.start({ service: 'backend' });
const client = await world.start({ service: 'client', calls: ['backend'] });
await answers(client.urlOf('backend'), 200);
const load = world.load({ url: client.urlOf('backend'), perSecond: 20 });
await waitFor('traffic flows', () => load.report().sent > 20);
// Somebody who is not in the mesh, until he is found; so often that a connection of his is open, though a change of listeners ends the former ones.
const outsider = world.load({ url: `http://127.0.0.1:${backend.inboundPort}/`, perSecond: 50 });
await waitFor('the outsider calls', () => outsider.report().sent > 1);

testFolderGuide(world, 'mtls-rollout.md', async (commands) => {
  if (commands.includes('kumactl diff -f strict.yaml')) await outsider.stop();
});

test('nothing was lost on the way', async () => {
  const { sent, failures } = await load.stop();
  assert.deepEqual(failures, [], `${failures.length} of ${sent} requests failed`);
});
