// Who may call whom: denied and allowed within a second of the write, without a lost request in between.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { allow, answers, meshWith, openWorld } from '../harness/world.ts';

const world = await openWorld();
after(() => world.close());
const { controlPlane } = world;
await controlPlane.apply(meshWith('STRICT'));
await controlPlane.apply(allow('client'));
const backend = await world.start({ service: 'backend' });
const client = await world.start({ service: 'client', calls: ['backend'] });
const stranger = await world.start({ service: 'stranger', calls: ['backend'] });
const second = 1000;

test('an allowed client is answered, another one is refused', async () => {
  assert.equal(await answers(client.urlOf('backend'), 200), backend.name);
  assert.match(await answers(stranger.urlOf('backend'), 403), /RBAC/);
  assert.equal(backend.echo.answered() > 0, true);
});

test('without its permission the client is refused within a second, and answered again with it', async () => {
  await controlPlane.delete(allow('client'));
  assert.match(await answers(client.urlOf('backend'), 403, second), /RBAC/);
  await controlPlane.apply(allow('client'));
  assert.equal(await answers(client.urlOf('backend'), 200, second), backend.name);
});

test('an explicit denial wins over a permission', async () => {
  const { spec } = allow('client') as unknown as { spec: { from: { default: object }[] } };
  const denial = {
    ...allow('client'),
    name: 'deny-client',
    spec: {
      targetRef: { kind: 'Dataplane' },
      from: spec.from.map((each) => ({ ...each, default: { action: 'Deny' } })),
    },
  };
  await controlPlane.apply(denial);
  await answers(client.urlOf('backend'), 403, second);
  await controlPlane.delete(denial);
  await answers(client.urlOf('backend'), 200, second);
});
