// A policy that throws must not take traffic down: the last good configuration stays, with a warning.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { builtinPolicies } from '@ursa/policies';
import type { ProxyPolicy } from '@ursa/policy';
import { mesh, smallMesh, timeout } from './small-mesh.ts';
import { createWorld } from './world.ts';

/** MeshTimeout, but it fails on routes that may take 13 seconds. */
function fragile(policy: ProxyPolicy): ProxyPolicy {
  if (policy.name !== 'MeshTimeout') return policy;
  const { hooks } = policy;
  return {
    ...policy,
    hooks: {
      ...hooks,
      route(place, conf) {
        if (JSON.stringify(conf).includes('13s')) throw new Error('thirteen');
        hooks.route?.(place, conf);
      },
    },
  };
}

const policies = builtinPolicies.map(fragile);
const plain = { features: ['feature-reuse-port'] };

test('a policy that throws leaves the last good configuration with a warning, for its proxies only', () => {
  const world = createWorld(policies);
  for (const document of smallMesh()) world.apply(document);
  const web = world.connect(mesh, 'web-1', plain);
  const database = world.connect(mesh, 'db-1', plain);
  const good = world.engine.config.get(web);
  assert.deepEqual(good?.warnings, []);
  world.apply(timeout('bad', { kind: 'Dataplane', name: 'web-1' }, '13s'));
  const kept = world.engine.config.get(web);
  assert.equal(kept?.resources.listener, good?.resources.listener);
  assert.deepEqual(kept?.warnings, [
    { message: 'MeshTimeout could not be applied: thirteen', policyType: 'MeshTimeout' },
  ]);
  assert.deepEqual(world.engine.config.get(database)?.warnings, []);
  world.apply(timeout('bad', { kind: 'Dataplane', name: 'web-1' }, '14s'));
  assert.deepEqual(world.engine.config.get(web)?.warnings, []);
  assert.notEqual(world.engine.config.get(web)?.resources.listener, good?.resources.listener);
});

test('a new proxy gets nothing while its first configuration cannot be made: half a configuration could leave it open', () => {
  const world = createWorld(policies);
  for (const document of [...smallMesh(), timeout('bad', { kind: 'Mesh' }, '13s')]) world.apply(document);
  const config = world.engine.config.get(world.connect(mesh, 'web-1', plain));
  assert.equal(config?.resources.listener.size, 0);
  assert.equal(config?.warnings.length, 1);
});
