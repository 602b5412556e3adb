import assert from 'node:assert/strict';
import { test } from 'node:test';
import { builtinPolicies } from '@ursa/policies';
import type { Resource } from '@ursa/resources';
import { openEngine, overlayInputs } from '../src/index.ts';
import { dataplane, mesh, smallMesh, timeout } from './small-mesh.ts';
import { createWorld, type World } from './world.ts';

const plain = { features: ['feature-reuse-port'] };

function openMesh(...documents: readonly object[]): World {
  const world = createWorld();
  for (const document of [...smallMesh(), ...documents]) world.apply(document);
  world.settle();
  return world;
}

function versions(world: World, engine: World['engine'], proxy: string): Record<string, string> {
  const key = world.connect(mesh, proxy, plain);
  const listeners = engine.config.get(key)?.resources.listener ?? new Map();
  return Object.fromEntries([...listeners].map(([name, resource]) => [name, resource.version]));
}

test('an engine over drafts says what the change would do, and the change then does it', () => {
  const world = openMesh();
  const other = createWorld();
  other.apply({ type: 'Mesh', name: mesh });
  other.apply(timeout('draft', { kind: 'Mesh' }, '3s'));
  const draft = other.resources('MeshTimeout').get(`${mesh}/draft`);
  const drafts = new Map([['MeshTimeout', new Map<string, Resource | undefined>([[`${mesh}/draft`, draft]])]]);
  const inputs = overlayInputs(world.inputs, drafts);
  const engine = openEngine({ graph: world.graph, inputs, policies: builtinPolicies });
  const now = versions(world, world.engine, 'web-1');
  const then = versions(world, engine, 'web-1');
  assert.notDeepEqual(then, now);
  world.apply(timeout('draft', { kind: 'Mesh' }, '3s'));
  assert.deepEqual(versions(world, world.engine, 'web-1'), then);
});

test('what policies in a draft say nothing of is not built again, and the draft leaves nothing behind', () => {
  const world = openMesh();
  const engine = openEngine({ graph: world.graph, inputs: world.inputs, policies: builtinPolicies });
  const keys = ['web-1', 'web-2', 'api-1'].map((name) => world.connect(mesh, name, plain));
  const watches = keys.map((key) => world.graph.watch(engine.config, [key], () => {}));
  const other = openMesh(timeout('draft', { kind: 'Mesh' }, '3s'));
  const draft = other.resources('MeshTimeout').get(`${mesh}/draft`);
  const runs = (): Readonly<Record<string, number>> => world.graph.stats().recomputed;
  const before = runs();
  const then = engine.whatIf(new Map([['MeshTimeout', new Map([[`${mesh}/draft`, draft]])]]));
  for (const [position, key] of keys.entries()) assert.notEqual(then.config.get(key), watches[position]?.value);
  const after = runs();
  assert.equal(after['resources of a proxy'], (before['resources of a proxy'] ?? 0) + keys.length);
  for (const name of ['proxy', 'inbounds', 'system resources', 'secrets', 'outbounds']) {
    assert.ok((before[name] ?? 0) > 0, `${name} is a derivation`);
    assert.equal(after[name], before[name], name);
  }
  world.apply(timeout('draft', { kind: 'Mesh' }, '4s'));
  const origins = engine.rules
    .get(keys[0] ?? '')
    .get('MeshTimeout')
    ?.matched.map(({ resource }) => resource);
  assert.ok(origins?.every((resource) => resource !== draft));
  for (const watch of watches) watch.stop();
});

test('a deletion in the drafts is seen as one', () => {
  const world = openMesh(timeout('one', { kind: 'Mesh' }, '3s'));
  const inputs = overlayInputs(world.inputs, new Map([['MeshTimeout', new Map([[`${mesh}/one`, undefined]])]]));
  const engine = openEngine({ graph: world.graph, inputs, policies: builtinPolicies });
  const then = versions(world, engine, 'web-1');
  world.delete('MeshTimeout', `${mesh}/one`);
  assert.deepEqual(versions(world, world.engine, 'web-1'), then);
});

test('shadow policies take part only in an engine that is asked for them', () => {
  const shadow = { ...timeout('aside', { kind: 'Mesh' }, '3s'), labels: { 'kuma.io/effect': 'shadow' } };
  const world = openMesh(shadow);
  const without = openMesh();
  assert.deepEqual(versions(world, world.engine, 'web-1'), versions(without, without.engine, 'web-1'));
  const engine = openEngine({ graph: world.graph, inputs: world.inputs, policies: builtinPolicies, shadow: true });
  assert.notDeepEqual(versions(world, engine, 'web-1'), versions(world, world.engine, 'web-1'));
});

test('matched policies and affected Dataplanes agree, also for proxies that are not connected', () => {
  const world = openMesh(
    timeout('one', { kind: 'Dataplane', name: 'web-2' }, '3s'),
    timeout('service', { kind: 'MeshSubset', tags: { 'kuma.io/service': 'api' } }, '4s'),
  );
  const { engine } = world;
  assert.deepEqual(engine.affectedDataplanes.get('MeshTimeout', mesh, 'one'), [`${mesh}/web-2`]);
  assert.deepEqual(engine.affectedDataplanes.get('MeshTimeout', mesh, 'service'), [`${mesh}/api-1`, `${mesh}/api-2`]);
  assert.deepEqual(engine.affectedDataplanes.get('MeshTimeout', mesh, 'nothing'), []);
  const names = (proxy: string) =>
    engine.matchedPolicies.get('MeshTimeout', `${mesh}/${proxy}`).map((head) => head.name);
  assert.deepEqual(names('web-2'), ['mesh-timeout-all-small', 'one']);
  assert.deepEqual(names('web-1'), ['mesh-timeout-all-small']);
  world.apply(dataplane('api', 3));
  assert.equal(engine.affectedDataplanes.get('MeshTimeout', mesh, 'service').length, 3);
});

test('a built-in gateway is told that it is not served, and gets what every proxy has', () => {
  const world = openMesh({
    type: 'Dataplane',
    mesh,
    name: 'edge',
    networking: { address: '10.0.0.9', gateway: { type: 'BUILTIN', tags: { 'kuma.io/service': 'edge' } } },
  });
  const config = world.engine.config.get(world.connect(mesh, 'edge', plain));
  assert.deepEqual([...(config?.resources.listener.keys() ?? [])], ['kuma:envoy:admin']);
  assert.match(config?.warnings[0]?.message ?? '', /builtin-gateway/);
});
