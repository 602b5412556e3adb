// A policy that throws must not take traffic down: it is held back from its proxies, new ones too, and all else is in force. One that guards access
// is not: what it guards keeps what it had last, or is closed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resourceJson } from '@ursa/envoy';
import { builtinPolicies } from '@ursa/policies';
import type { ProxyPolicy } from '@ursa/policy';
import { mesh, meshDocument, smallMesh, timeout } from './small-mesh.ts';
import { createWorld } from './world.ts';

/** MeshTimeout, but it fails on routes that may take 13 seconds; MeshTrafficPermission, but it fails where `nobody` is named. */
function fragile(policy: ProxyPolicy): ProxyPolicy {
  const { hooks } = policy;
  if (policy.name === 'MeshTimeout') {
    const route: typeof hooks.route = (place, conf) => {
      if (JSON.stringify(conf).includes('13s')) throw new Error('thirteen');
      hooks.route?.(place, conf);
    };
    return { ...policy, hooks: { ...hooks, route } };
  }
  if (policy.name !== 'MeshTrafficPermission') return policy;
  const inboundRules: typeof hooks.inboundRules = (place, rules) => {
    if (JSON.stringify(rules.from).includes('nobody')) throw new Error('who?');
    hooks.inboundRules?.(place, rules);
  };
  return { ...policy, hooks: { ...hooks, inboundRules } };
}

const policies = builtinPolicies.map(fragile);
const plain = { features: ['feature-reuse-port'] };
const everywhere = { kind: 'Mesh' };

function start(documents = smallMesh()) {
  const world = createWorld(policies);
  for (const document of documents) world.apply(document);
  return world;
}

function permission(client: string): object {
  const from = [
    { targetRef: { kind: 'MeshSubset', tags: { 'kuma.io/service': client } }, default: { action: 'Allow' } },
  ];
  return { type: 'MeshTrafficPermission', mesh, name: 'clients', spec: { targetRef: everywhere, from } };
}

test('a policy that throws is held back from its proxies, with a warning; everything else is as without it', () => {
  const world = start();
  const web = world.connect(mesh, 'web-1', plain);
  const database = world.connect(mesh, 'db-1', plain);
  const good = world.engine.config.get(web);
  assert.deepEqual(good?.warnings, []);
  world.apply(timeout('bad', { kind: 'Dataplane', name: 'web-1' }, '13s'));
  const config = world.engine.config.get(web);
  assert.equal(config?.resources, good?.resources);
  const key = `MeshTimeout/${mesh}/bad`;
  const message = `${key} is held back from this proxy, because nothing can be made of it: MeshTimeout could not be applied: thirteen`;
  assert.deepEqual(config?.warnings, [{ message, resource: key }]);
  assert.equal(world.engine.heldBack.get(web), key);
  assert.deepEqual(world.engine.config.get(database)?.warnings, []);
  world.apply(timeout('bad', { kind: 'Dataplane', name: 'web-1' }, '14s'));
  assert.deepEqual(world.engine.config.get(web)?.warnings, []);
  assert.notEqual(world.engine.config.get(web)?.resources.listener, good?.resources.listener);
});

test('a new proxy gets everything but the policy that throws, and of several policies of a type only that one is left out', () => {
  const without = start();
  const good = start();
  const bad = start();
  for (const world of [good, bad]) world.apply(timeout('fair', everywhere, '11s'));
  bad.apply(timeout('bad', everywhere, '13s'));
  const [expected, config] = [good, bad].map((world) => world.engine.config.get(world.connect(mesh, 'web-1', plain)));
  assert.deepEqual(config?.resources, expected?.resources);
  assert.deepEqual(
    config?.warnings.map(({ resource }) => resource),
    [`MeshTimeout/${mesh}/bad`],
  );
  const plainOnes = without.engine.config.get(without.connect(mesh, 'web-1', plain));
  assert.notDeepEqual(config?.resources.listener, plainOnes?.resources.listener, 'the other one is in force');
});

test('what a policy guards that throws keeps its last listener, and is closed at a new proxy', () => {
  const documents = [meshDocument('STRICT'), ...smallMesh().slice(1), permission('web')];
  const world = start(documents);
  const api = world.connect(mesh, 'api-1', plain);
  const good = world.engine.config.get(api)?.resources;
  const bad = start([...documents, permission('nobody')]);
  const config = bad.engine.config.get(bad.connect(mesh, 'api-1', plain));
  world.apply(permission('nobody'));
  assert.equal(world.engine.config.get(api)?.resources, good);
  assert.match(world.engine.config.get(api)?.warnings[0]?.message ?? '', /could be built last stays: .*who\?/);

  const name = 'inbound:10.0.3.1:8080';
  const listener = config?.resources.listener.get(name);
  assert.ok(listener !== undefined);
  const { filterChains } = resourceJson(listener) as { readonly filterChains?: readonly object[] };
  assert.deepEqual(filterChains, [{}], 'it closes connections');
  assert.match(
    config?.warnings[0]?.message ?? '',
    new RegExp(`^the listener ${name} cannot be built; its place is closed`),
  );
  for (const type of ['listener', 'cluster', 'endpoint', 'secret'] as const) {
    for (const [other, resource] of good?.[type] ?? []) {
      if (resource.origin !== 'inbound') assert.equal(config?.resources[type].get(other)?.version, resource.version);
    }
  }
});

test('a policy that cannot arrange endpoints leaves them as they are', () => {
  const breaking = (policy: ProxyPolicy): ProxyPolicy =>
    policy.name !== 'MeshLoadBalancingStrategy'
      ? policy
      : { ...policy, hooks: { ...policy.hooks, endpoints: () => assert.fail('no arrangement') } };
  const strategy = {
    type: 'MeshLoadBalancingStrategy',
    mesh,
    name: 'near',
    spec: {
      targetRef: everywhere,
      to: [{ targetRef: { kind: 'MeshService', name: 'db' }, default: { localityAwareness: { disabled: true } } }],
    },
  };
  const [plainly, broken] = [[], [strategy]].map((more) => {
    const world = createWorld(policies.map(breaking));
    for (const document of [...smallMesh(), ...more]) world.apply(document);
    return world.engine.config.get(world.connect(mesh, 'api-1', plain));
  });
  assert.deepEqual(broken?.resources.endpoint, plainly?.resources.endpoint);
  assert.match(
    broken?.warnings[0]?.message ?? '',
    /the endpoint db cannot be built; it is as without the policy: .*no arrangement/,
  );
});
