// A store that holds, from before, what no write would let in today: a route whose regular expression Envoy cannot read. Traffic goes on, the
// policy says in Envoy's words what is wrong, and clients that start afterwards serve.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { type ResourceDocument, resourcePath } from '../../examples/demo/control-plane.ts';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { replaceInStore } from '../harness/replace-in-store.ts';
import { answers, openWorld, policy } from '../harness/world.ts';

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly message: string;
}

const world = await openWorld();
after(() => world.close());
const { controlPlane } = world;
await world.start({ service: 'backend' });
const client = await world.start({ service: 'client', calls: ['backend'] });
const url = client.urlOf('backend');
await answers(url, 200);

// The machine may have much else to do; what is asserted are counts and contents.
const patience = { within: 30_000 };
const broken = '/([a-z';
const route: ResourceDocument = policy('MeshHTTPRoute', 'by-expression', {
  targetRef: { kind: 'Mesh' },
  to: [
    {
      targetRef: { kind: 'MeshService', name: 'backend' },
      rules: [{ matches: [{ path: { type: 'RegularExpression', value: '/fine' } }], default: {} }],
    },
  ],
});

async function conditions(): Promise<readonly Condition[]> {
  const { json } = await controlPlane.request('GET', resourcePath(route));
  return (json as { status?: { conditions?: readonly Condition[] } }).status?.conditions ?? [];
}

test('a stored route that Envoy cannot read costs no request, and is held back from clients that start later', async () => {
  await controlPlane.apply(route);
  await waitFor('the route is in force', async () => (await client.admin('/config_dump')).includes('/fine'), patience);
  const refused = await controlPlane.request(
    'PUT',
    resourcePath(route),
    JSON.parse(JSON.stringify(route).replace('/fine', broken)),
  );
  assert.equal(refused.status, 400, 'today a write of it is refused');

  const load = world.load({ url, perSecond: 50, newConnections: true });
  await replaceInStore(world, [{ type: 'MeshHTTPRoute', before: '/fine', now: broken }]);
  const [condition] = await waitFor(
    'the policy says that it is refused',
    async () => {
      const found = await conditions();
      return found.length > 0 && found;
    },
    patience,
  );
  assert.deepEqual([condition?.type, condition?.status], ['Programmed', 'False']);
  assert.match(condition?.message ?? '', /missing \]: \[a-z/);
  assert.deepEqual((await load.stop()).failures, []);

  await client.restart();
  await answers(url, 200);
  const another = await world.start({ service: 'another-client', calls: ['backend'] });
  await answers(another.urlOf('backend'), 200);
  const loads = [client, another].map((each) =>
    world.load({ url: each.urlOf('backend'), perSecond: 50, newConnections: true }),
  );
  await waitFor('they have traffic', () => loads.every((each) => each.report().sent > 100), patience);
  for (const each of loads) assert.deepEqual((await each.stop()).failures, []);
  assert.match(await client.admin('/stats?filter=lds.update_rejected'), /update_rejected: 0$/m);
});

test('once it is mended it is in force', async () => {
  await controlPlane.apply(route);
  await waitFor('the route is in force', async () => (await client.admin('/config_dump')).includes('/fine'), patience);
  assert.deepEqual(await conditions(), []);
});
