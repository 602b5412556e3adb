// A mesh with an mTLS backend moves to a MeshIdentity, and then to that alone, without losing a request.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { allowAll, answers, meshWith, openPolicyWorld } from '../harness/world.ts';
import { clients, isReady, meshIdentity, presents, rules, spiffeId, withoutLoss } from './identities.ts';

const world = await openPolicyWorld();
after(() => world.close());
const { controlPlane } = world;
const backend = await world.start({ service: 'backend' });
await world.start({ service: 'backend' });
const web = await world.start({ service: 'web', calls: ['backend'] });
const url = web.urlOf('backend');

// Both names of the client: that of the backend's certificates, and that which it is going to have.
const both = rules({ allow: [clients('spiffe://default/web'), clients(spiffeId('web'))] });

test('permissions name clients as they are now and as they will be', async () => {
  await withoutLoss(world, url, async () => {
    await controlPlane.apply(both);
    await answers(url, 200);
    await controlPlane.delete(allowAll);
    await answers(url, 200);
  });
  await presents(
    backend,
    'spiffe://default/backend',
    'kuma://kuma.io/service/backend',
    'kuma://kuma.io/protocol/http',
    'kuma://kuma.io/zone/default',
  );
});

test('all proxies take the certificates of a MeshIdentity, and no request is lost', async () => {
  await withoutLoss(world, url, async () => {
    await controlPlane.apply(meshIdentity('identity'));
    await isReady(controlPlane, 'identity');
    await presents(backend, spiffeId('backend'));
  });
  assert.ok((await answers(url, 200)).startsWith('backend'));
});

test('a proxy that no MeshIdentity selects keeps the certificate of the backend, and both understand each other', async () => {
  await withoutLoss(world, url, async () => {
    await controlPlane.apply(meshIdentity('identity', { matchLabels: { app: 'web' } }));
    await presents(
      backend,
      'spiffe://default/backend',
      'kuma://kuma.io/service/backend',
      'kuma://kuma.io/protocol/http',
      'kuma://kuma.io/zone/default',
    );
  });
  await withoutLoss(world, url, async () => {
    await controlPlane.apply(meshIdentity('identity'));
    await presents(backend, spiffeId('backend'));
  });
});

test('the mesh does without its mTLS backend', async () => {
  await withoutLoss(world, url, async () => {
    const { mtls: _mtls, ...mesh } = meshWith('STRICT');
    await controlPlane.apply({ ...mesh, meshServices: { mode: 'Exclusive' }, skipCreatingInitialPolicies: ['*'] });
    await controlPlane.apply(rules({ allow: [clients(spiffeId('web'))] }));
    await answers(url, 200);
  });
  await presents(backend, spiffeId('backend'));
});
