// A policy for all proxies is worked out for classes of proxies: of a proxy only what it changes is derived again.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { builtinPolicies } from '@ursa/policies';
import { openEngine } from '../src/index.ts';
import { mesh, smallMesh } from './small-mesh.ts';
import { createWorld } from './world.ts';

const timeout = (seconds: number) => ({
  type: 'MeshTimeout',
  mesh,
  name: 'all',
  spec: {
    targetRef: { kind: 'Mesh' },
    to: [{ targetRef: { kind: 'Mesh' }, default: { connectionTimeout: `${seconds}s` } }],
  },
});

test('a policy for traffic touches neither what policies add to a proxy nor its collectors nor its inbounds', () => {
  const world = createWorld();
  for (const document of smallMesh()) world.apply(document);
  world.apply(timeout(3));
  world.settle();
  const engine = openEngine({ graph: world.graph, inputs: world.inputs, policies: builtinPolicies });
  const watches = ['web-1', 'web-2', 'api-1'].map((name) =>
    world.graph.watch(engine.config, [world.connect(mesh, name, {})], () => {}),
  );
  const before = { ...world.graph.stats().recomputed };
  world.apply(timeout(4));
  world.settle();
  const after = world.graph.stats().recomputed;
  const again = (name: string): number => (after[name] ?? 0) - (before[name] ?? 0);
  assert.equal(again('config'), 3);
  for (const name of ['additions of policies', 'collectors of a proxy', 'inbounds', 'selected policies']) {
    assert.ok((before[name] ?? 0) > 0, `${name} is a derivation`);
    assert.equal(again(name), 0, name);
  }
  for (const watch of watches) watch.stop();
});
