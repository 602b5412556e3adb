// A store that holds numbers which no message to Envoy can hold: a policy's, and the port of an instance. Running clients notice nothing, one that
// starts gets everything else, and status, explain and warnings name the resource and its field.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { resourcePath } from '../../examples/demo/control-plane.ts';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { replaceInStore } from '../harness/replace-in-store.ts';
import { answers, openWorld, policy } from '../harness/world.ts';

const world = await openWorld();
after(() => world.close());
const { controlPlane } = world;
await world.start({ service: 'backend' });
const client = await world.start({ service: 'client', calls: ['backend', 'other'] });
await answers(client.urlOf('backend'), 200);

const patience = { within: 30_000 };
const breaker = policy('MeshCircuitBreaker', 'bounded', {
  targetRef: { kind: 'Mesh' },
  to: [{ targetRef: { kind: 'Mesh' }, default: { connectionLimits: { maxConnections: 4321 } } }],
});
const field = 'spec.to[0].default.connectionLimits.maxConnections';

/** The one instance of another service. */
const other = {
  type: 'Dataplane',
  mesh: 'default',
  name: 'other-1',
  networking: {
    address: '127.0.0.1',
    inbound: [{ port: 4322, tags: { 'kuma.io/service': 'other', 'kuma.io/protocol': 'http' } }],
  },
};

interface Answer {
  readonly status?: { readonly conditions?: readonly { readonly reason: string; readonly message: string }[] };
  readonly warnings?: readonly string[];
  readonly problems?: readonly { readonly code: string; readonly message: string }[];
}

async function ask(path: string): Promise<Answer> {
  return (await controlPlane.request('GET', path)).json as Answer;
}

test('what cannot be encoded costs no request and no new client, and is named', async () => {
  for (const document of [breaker, other]) await controlPlane.apply(document);
  await waitFor('the policy is in force', async () => (await client.admin('/config_dump')).includes('4321'), patience);
  const load = world.load({ url: client.urlOf('backend'), perSecond: 50, newConnections: true });
  await replaceInStore(world, [
    { type: 'MeshCircuitBreaker', before: '4321', now: '12345678901' },
    { type: 'Dataplane', before: '"port":4322,', now: '"port":-4,' },
  ]);
  const condition = await waitFor(
    'the policy says that nothing can be made of it',
    async () => (await ask(resourcePath(breaker))).status?.conditions?.[0],
    patience,
  );
  assert.equal(condition.reason, 'Unusable');
  assert.ok(condition.message.includes(field), condition.message);
  assert.deepEqual((await load.stop()).failures, []);

  await client.restart();
  const another = await world.start({ service: 'another-client', calls: ['backend', 'other'] });
  for (const each of [client, another]) await answers(each.urlOf('backend'), 200);
  const { warnings = [] } = await ask(`/meshes/default/dataplanes/${another.name}/_config?include=warnings`);
  assert.ok(
    warnings.some((warning) => warning.includes(field)),
    warnings.join('\n'),
  );
  const { problems = [] } = await ask('/meshes/default/_explain?from=another-client&to=other');
  const told = problems.map(({ code, message }) => `${code} ${message}`);
  assert.ok(
    told.some((text) => text.startsWith('held-back') && text.includes(field)),
    told.join('\n'),
  );
  assert.ok(
    told.some((text) => text.includes('port -4 is no port')),
    told.join('\n'),
  );
});

test('once it is mended it is in force', async () => {
  await controlPlane.apply(breaker);
  await waitFor('the policy is in force', async () => (await client.admin('/config_dump')).includes('4321'), patience);
  assert.deepEqual((await ask(resourcePath(breaker))).status?.conditions ?? [], []);
});
