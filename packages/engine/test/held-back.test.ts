// A policy that Envoy refused is held back: from the proxy that refused it, from proxies that would get the same bytes, and no longer than
// it says what it said.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EnvoyType } from '@ursa/envoy';
import { type PolicyInsight, policyContent, policyInsightKey, type Refusal } from '../src/index.ts';
import { mesh, smallMesh, timeout } from './small-mesh.ts';
import { createWorld, type World } from './world.ts';

const everywhere = { kind: 'Mesh' };
const plain = { features: ['feature-reuse-port'] };
const key = `MeshTimeout/${mesh}/bad`;

/** Notes that a proxy refused resources because of the policy `bad`. */
function note(world: World, refusals: readonly Partial<Refusal>[], changes: Partial<PolicyInsight> = {}): void {
  const policy = world.resources('MeshTimeout').get(`${mesh}/bad`);
  assert.ok(policy !== undefined);
  const spec: PolicyInsight = {
    policy: { type: 'MeshTimeout', name: 'bad' },
    content: policyContent(policy),
    heldBack: true,
    everywhere: false,
    refusals: refusals.map((refusal) => ({
      proxy: `${mesh}/web-1`,
      envoyVersion: '1.40.0',
      resources: [],
      message: 'no',
      since: '',
      ...refusal,
    })),
    ...changes,
  };
  const { type, name } = policyInsightKey(policy);
  const resource = { type, mesh, name, labels: {}, creationTime: '', modificationTime: '', version: 1, spec };
  world.resources(type).set(`${mesh}/${name}`, resource);
}

function start() {
  const world = createWorld();
  for (const document of smallMesh()) world.apply(document);
  const first = world.connect(mesh, 'web-1', plain);
  const second = world.connect(mesh, 'web-2', plain);
  const good = world.engine.config.get(first);
  world.apply(timeout('bad', everywhere, '13s'));
  const bad = world.engine.config.get(first);
  const changed = (type: EnvoyType) =>
    [...(bad?.resources[type].values() ?? [])].filter(
      (resource) => good?.resources[type].get(resource.name) !== resource,
    );
  const refused = changed('listener').map(({ type, name, version }) => ({ type, name, version }));
  return { world, first, second, good, refused };
}

test('a refused policy is left out where it was refused, with a warning; nothing else changes', () => {
  const { world, first, second, good } = start();
  note(world, [{}]);
  const config = world.engine.config.get(first);
  assert.deepEqual(config?.resources, good?.resources);
  assert.deepEqual(
    config?.warnings.map(({ resource }) => resource),
    [key],
  );
  assert.equal(
    world.engine.rules
      .get(first)
      .get('MeshTimeout')
      ?.matched.some((policy) => policy.key === key),
    false,
  );
  assert.deepEqual(world.engine.config.get(second)?.warnings, []);
});

test('a proxy that would get the bytes which another one refused does not get them', () => {
  const { world, second, refused } = start();
  const outbound = refused.filter(({ name }) => name.startsWith('outbound:'));
  assert.equal(outbound.length, 1);
  note(world, [{ resources: outbound }]);
  assert.equal(world.engine.heldBack.get(second), key);
});

test('what one Envoy refused is tried on another', () => {
  const { world, first, second, refused } = start();
  note(world, [{ envoyVersion: '1.39.0', resources: refused }]);
  assert.deepEqual([world.engine.heldBack.get(first), world.engine.heldBack.get(second)], ['', '']);
});

test('a policy that was changed is tried again, one that was written again is not', () => {
  const { world, first } = start();
  note(world, [{}]);
  world.apply(timeout('bad', everywhere, '13s'));
  assert.equal(world.engine.heldBack.get(first), key);
  world.apply(timeout('bad', everywhere, '14s'));
  assert.equal(world.engine.heldBack.get(first), '');
  world.delete('MeshTimeout', `${mesh}/bad`);
  assert.equal(world.engine.heldBack.get(first), '');
});

test('a policy that too many refused is left out everywhere; one that guards access is never', () => {
  const { world, first, second } = start();
  note(world, [], { everywhere: true });
  assert.deepEqual([world.engine.heldBack.get(first), world.engine.heldBack.get(second)], [key, key]);
  note(world, [{}], { heldBack: false });
  assert.equal(world.engine.heldBack.get(first), '');
});

test('a mesh without refusals looks for none: no configuration is derived twice', () => {
  const { world } = start();
  assert.equal(world.graph.stats().recomputed['resources without policies'] ?? 0, 0);
});
