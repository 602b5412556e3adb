// A store that holds, from before, what no write would let in today: a route whose regular expression Envoy cannot read, retries without a wait.
// Traffic goes on, the policy says in Envoy's words what is wrong, and clients that start afterwards serve.
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
  readonly proxies?: { readonly names: readonly string[] };
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

/** A policy, the text in it that is replaced, and what Envoy says of it then. */
interface Stored {
  readonly good: ResourceDocument;
  readonly before: string;
  readonly now: string;
  readonly words: RegExp;
}

const targetRef = { kind: 'Mesh' };
const matches = [{ path: { type: 'RegularExpression', value: '/fine' } }];
const route: Stored = {
  good: policy('MeshHTTPRoute', 'by-expression', {
    targetRef,
    to: [{ targetRef: { kind: 'MeshService', name: 'backend' }, rules: [{ matches, default: {} }] }],
  }),
  before: '/fine',
  now: '/([a-z',
  words: /missing \]: \[a-z/,
};
const http = { numRetries: 2, backOff: { baseInterval: '0.123s', maxInterval: '1s' } };
const retries: Stored = {
  good: policy('MeshRetry', 'at-once', { targetRef, to: [{ targetRef, default: { http } }] }),
  before: '123ms',
  now: '0s',
  words: /BaseInterval/,
};

async function conditionsOf(document: ResourceDocument): Promise<readonly Condition[]> {
  const { json } = await controlPlane.request('GET', resourcePath(document));
  return (json as { status?: { conditions?: readonly Condition[] } }).status?.conditions ?? [];
}

/** Waits until a text of the policy stands in the client's configuration, as Envoy prints it. */
async function inForce(text: string): Promise<void> {
  await waitFor('the policy is in force', async () => (await client.admin('/config_dump')).includes(text), patience);
}

for (const [index, { good, before, now, words }] of [route, retries].entries()) {
  const shown = before === '123ms' ? '0.123s' : before;

  test(`a stored ${good.type} that Envoy refuses costs no request, and is held back from clients that start later`, async () => {
    await controlPlane.apply(good);
    await inForce(shown);
    const bad = JSON.parse(JSON.stringify(good).replace(shown, now)) as object;
    assert.equal((await controlPlane.request('PUT', resourcePath(good), bad)).status, 400, 'today a write is refused');

    const load = world.load({ url, perSecond: 50, newConnections: true });
    await replaceInStore(world, [{ type: good.type, before, now }]);
    const [condition] = await waitFor(
      'the policy says that this client refuses it',
      async () => {
        const found = await conditionsOf(good);
        // Each client's listener is at a port of its own: that another one has refused its own says nothing of this one's.
        return found[0]?.proxies?.names.includes(client.proxy.name) === true && found;
      },
      patience,
    );
    assert.deepEqual([condition?.type, condition?.status], ['Programmed', 'False']);
    assert.match(condition?.message ?? '', words);
    assert.deepEqual((await load.stop()).failures, []);

    await client.restart();
    await answers(url, 200);
    const another = await world.start({ service: `another-client-${index}`, calls: ['backend'] });
    await answers(another.urlOf('backend'), 200);
    const loads = [client, another].map((each) =>
      world.load({ url: each.urlOf('backend'), perSecond: 50, newConnections: true }),
    );
    await waitFor('they have traffic', () => loads.every((each) => each.report().sent > 100), patience);
    for (const each of loads) assert.deepEqual((await each.stop()).failures, []);
    assert.match(await client.admin('/stats?filter=lds.update_rejected'), /update_rejected: 0$/m);
  });

  test(`once the ${good.type} is mended it is in force`, async () => {
    await controlPlane.apply(good);
    await inForce(shown);
    assert.deepEqual(await conditionsOf(good), []);
    await controlPlane.delete(good);
  });
}
