// A host outside of the mesh has a virtual address a while longer than an ExternalService has the host.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createWorld } from './world.ts';

const mesh = 'default';

function external(host: string): object {
  const tags = { 'kuma.io/service': 'maps', 'kuma.io/protocol': 'http' };
  return { type: 'ExternalService', mesh, name: 'maps', tags, networking: { address: `${host}:80` } };
}

test('an address whose host is gone leads nowhere', () => {
  const world = createWorld();
  world.apply({ type: 'Mesh', name: mesh, skipCreatingInitialPolicies: ['*'] });
  world.apply({
    type: 'Dataplane',
    mesh,
    name: 'web',
    networking: {
      address: '10.0.0.1',
      inbound: [{ port: 8080, tags: { 'kuma.io/service': 'web' } }],
      transparentProxying: { redirectPortInbound: 15_006, redirectPortOutbound: 15_001 },
    },
  });
  world.apply(external('one.example'));
  world.settle();
  const proxy = world.connect(mesh, 'web');
  const namesOf = (type: 'cluster' | 'listener'): readonly string[] => [
    ...(world.engine.config.get(proxy)?.resources[type].keys() ?? []),
  ];
  const before = namesOf('listener');
  // Of `web`, of `maps` and of its host.
  assert.equal(before.filter((name) => /^outbound:240\..*:80$/.test(name)).length, 3);
  world.apply(external('two.example'));
  assert.deepEqual(
    namesOf('cluster').filter((name) => name === ''),
    [],
  );
  assert.equal(namesOf('listener').length, before.length - 1);
  world.settle();
  assert.equal(namesOf('listener').length, before.length);
});
