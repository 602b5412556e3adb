// Policies for a whole mesh are found by classes of proxies; the long way, each policy for each proxy, must say the same.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { policyHead, selects } from '@ursa/policy';
import { labelNames, type Resource } from '@ursa/resources';
import fc from 'fast-check';
import { dataplaneFacts } from '../src/dataplane-facts.ts';
import { mesh, meshDocument } from './small-mesh.ts';
import { createWorld, type World } from './world.ts';

const places = fc.constantFrom(
  {},
  { [labelNames.origin]: 'zone', [labelNames.zone]: 'east' },
  { [labelNames.origin]: 'zone', [labelNames.zone]: 'west' },
);
const namespaces = fc.constantFrom({}, { [labelNames.namespace]: 'shop' }, { [labelNames.namespace]: 'bank' });
const roles = fc.constantFrom({}, { [labelNames.policyRole]: 'consumer' }, { [labelNames.policyRole]: 'producer' });
const effects = fc.constantFrom({}, {}, {}, { [labelNames.effect]: 'shadow' });
const versions = fc.constantFrom('v1', 'v2');

const anyPolicy = fc
  .record({
    targetRef: fc.constantFrom<object>(
      ...[{ kind: 'Mesh' }, { kind: 'Mesh' }, { kind: 'Mesh', proxyTypes: ['Gateway'] }],
      ...[{ kind: 'MeshSubset', tags: { version: 'v1' } }, { kind: 'MeshSubset' }],
      ...[{ kind: 'Dataplane', labels: { app: 'a' } }, { kind: 'Dataplane', name: 'some-0' }, { kind: 'Dataplane' }],
    ),
    labels: fc.tuple(places, namespaces, roles, effects),
  })
  .map(({ targetRef, labels }) => ({ labels: Object.assign({}, ...labels), spec: { targetRef, to: [] } }));

const anyInbound = fc.record({
  tags: versions.map((version) => ({ 'kuma.io/service': 'web', version })),
  state: fc.constantFrom('Ready', 'Ignored'),
});

const anyDataplane = fc
  .record({
    labels: fc.tuple(
      places,
      namespaces,
      fc.constantFrom('a', 'b').map((app) => ({ app })),
    ),
    inbounds: fc.array(anyInbound, { maxLength: 3 }),
    isGateway: fc.constantFrom(false, false, true),
  })
  .map(({ labels, inbounds, isGateway }) => {
    const inbound = inbounds.map((each, position) => ({ ...each, port: 80 + position }));
    const gateway = { tags: { 'kuma.io/service': 'edge', version: 'v1' } };
    const networking = { address: '10.0.0.1', ...(isGateway ? { gateway } : { inbound }) };
    return { labels: Object.assign({}, ...labels), spec: { networking } };
  });

function store(world: World, type: string, contents: readonly Pick<Resource, 'labels' | 'spec'>[]): void {
  for (const [index, content] of contents.entries()) {
    const name = `some-${index}`;
    const times = { creationTime: '2026-01-01T00:00:00Z', modificationTime: '2026-01-01T00:00:00Z' };
    world.resources(type).set(`${mesh}/${name}`, { type, mesh, name, ...times, version: 1, ...content });
  }
}

/** Names of the policies that apply to each Dataplane: as the engine finds them, and as they are found one by one. */
function bothWays(world: World): readonly [engine: string[][], long: string[][]] {
  const policies = [...world.resources('MeshTimeout').keys()].flatMap((key) => {
    const policy = world.resources('MeshTimeout').get(key);
    return policy === undefined ? [] : [policyHead(policy)];
  });
  const proxies = [...world.resources('Dataplane').keys()].sort();
  const long = proxies.map((key) => {
    const dataplane = world.resources('Dataplane').get(key);
    const proxy = dataplane && dataplaneFacts(dataplane).selectable;
    const found = policies.filter((head) => !head.shadow && proxy && selects(head, proxy) !== undefined);
    return found.map(({ key: policy }) => policy).sort();
  });
  const engine = proxies.map((key) =>
    world.engine.matchedPolicies
      .get('MeshTimeout', key)
      .map(({ key: policy }) => policy)
      .sort(),
  );
  return [engine, long];
}

test('the policies of a class are those that select each of its proxies', () => {
  let applied = 0;
  fc.assert(
    fc.property(
      fc.array(anyPolicy, { minLength: 1, maxLength: 6 }),
      fc.array(anyDataplane, { minLength: 1, maxLength: 6 }),
      (policies, dataplanes) => {
        const world = createWorld();
        world.apply({ ...meshDocument(), skipCreatingInitialPolicies: ['*'] });
        store(world, 'MeshTimeout', policies);
        store(world, 'Dataplane', dataplanes);
        const [engine, long] = bothWays(world);
        assert.deepEqual(engine, long);
        applied += long.flat().length;
        // What comes and goes afterwards is found and forgotten alike.
        store(world, 'MeshTimeout', policies.toReversed());
        world.delete('MeshTimeout', `${mesh}/some-0`);
        assert.deepEqual(...bothWays(world));
      },
    ),
    { numRuns: 200 },
  );
  assert.ok(applied > 200);
});
