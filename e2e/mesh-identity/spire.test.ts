// Proxies whose certificates come from an agent on their host: real Envoys ask it on its Unix socket, and talk to each other with what it gives.
// The agent is a secret discovery server of this test in the place of a SPIRE agent.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { answers, openWorld, policy } from '../harness/world.ts';
import { certificatesOf, clients, isReady, presents, rules } from './identities.ts';
import { openSdsAgent } from './sds-agent.ts';

const world = await openWorld({ KUMA_DEFAULTS_SKIP_MESH_CREATION: 'true' }, true);
const agent = await openSdsAgent(join(world.folder, 'agent.sock'), 'prod.example');
after(async () => {
  await world.close();
  await agent.close();
});
const { controlPlane } = world;
await controlPlane.apply({
  type: 'Mesh',
  name: 'default',
  meshServices: { mode: 'Exclusive' },
  skipCreatingInitialPolicies: ['*'],
});
const environment = {
  KUMA_DATAPLANE_RUNTIME_SPIRE_SUPPORTED: 'true',
  KUMA_DATAPLANE_RUNTIME_SPIRE_SOCKET_PATH: agent.socketPath,
};
const backend = await world.start({ service: 'backend', environment });
const web = await world.start({ service: 'web', calls: ['backend'], environment });
const url = web.urlOf('backend');

test('Envoy asks the agent for its SPIFFE ID and for whom it trusts', async () => {
  await answers(url, 200);
  await controlPlane.apply(rules({ allow: [clients('spiffe://prod.example/app/web')] }));
  const identity = policy('MeshIdentity', 'spire', {
    selector: { dataplane: { matchLabels: {} } },
    spiffeID: { trustDomain: 'prod.example', path: '/app/{{ label "app" }}' },
    provider: { type: 'Spire', spire: { agent: { timeout: '5s' } } },
  });
  // The request above came in plain text.
  const { status } = await controlPlane.request('PUT', '/meshes/default/meshidentities/spire?force=true', identity);
  assert.equal(status, 201);
  await isReady(controlPlane, 'spire');
  await presents(backend, 'spiffe://prod.example/app/backend');
  await waitFor('both have asked', async () => agent.asked.size === 3);
  assert.deepEqual([...agent.asked].sort(), [
    'ALL',
    'spiffe://prod.example/app/backend',
    'spiffe://prod.example/app/web',
  ]);
});

test('they talk to each other, and permissions know the client', async () => {
  await answers(url, 200);
  await controlPlane.apply(rules({ allow: [clients('spiffe://prod.example/app/other')] }));
  await answers(url, 403);
  await controlPlane.apply(rules({ allow: [clients('spiffe://prod.example/app/web')] }));
  await answers(url, 200);
});

test('what the agent renews is used, and no request is lost', async () => {
  const load = world.load({ url, perSecond: 100, newConnections: true });
  const [before] = await certificatesOf(backend);
  await agent.rotate();
  await waitFor('the new certificate', async () => {
    const serials = (await certificatesOf(backend)).map(({ serial }) => serial);
    return serials.length > 0 && !serials.includes(before?.serial ?? '');
  });
  const sent = load.report().sent;
  await waitFor('traffic goes on', () => load.report().sent > sent + 100);
  const { failures } = await load.stop();
  assert.deepEqual(failures, []);
});
