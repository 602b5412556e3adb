// Values that no write lets in today, from a store of before or from several policies together: where it is plain what was meant, what is built is
// what Envoy takes. One of them would end Envoy, which then refuses nothing that could be held back.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resourceJson } from '@ursa/envoy';
import type { Resource } from '@ursa/resources';
import { mesh, smallMesh } from './small-mesh.ts';
import { createWorld } from './world.ts';

const everywhere = { kind: 'Mesh' };
const time = '2026-01-01T00:00:00Z';

/** What a proxy gets of policies that say these confs of `api`, the weaker ones first. They come past validation. */
function configWith(type: string, ...confs: readonly object[]) {
  const world = createWorld();
  for (const document of smallMesh()) world.apply(document);
  world.delete('MeshRetry', `${mesh}/mesh-retry-all-${mesh}`);
  for (const [index, conf] of confs.entries()) {
    // Of two that are as narrow the first name is the stronger.
    const name = `policy-${confs.length - index}`;
    const spec = { targetRef: everywhere, to: [{ targetRef: { kind: 'MeshService', name: 'api' }, default: conf }] };
    const head = { type, mesh, name, labels: {}, creationTime: time, modificationTime: time, version: 1 };
    world.resources(type).set(`${mesh}/${name}`, { ...head, spec } as Resource);
  }
  const config = world.engine.config.get(world.connect(mesh, 'web-1', { features: ['feature-reuse-port'] }));
  assert.deepEqual(config?.warnings, []);
  return config;
}

function backOffOf(...confs: readonly object[]): unknown {
  const listener = configWith(
    'MeshRetry',
    ...confs.map((backOff) => ({ http: { numRetries: 1, backOff } })),
  ).resources.listener.get('outbound:127.0.0.1:10001');
  assert.ok(listener);
  return /"retryBackOff":(\{[^}]*\})/.exec(JSON.stringify(resourceJson(listener)))?.[1];
}

test('of a wait and the longest wait that two policies give, the longest one gives way', () => {
  assert.equal(backOffOf({ baseInterval: '2s' }, { maxInterval: '1s' }), '{"baseInterval":"2s","maxInterval":"2s"}');
  assert.equal(backOffOf({ baseInterval: '1s' }, { maxInterval: '2s' }), '{"baseInterval":"1s","maxInterval":"2s"}');
});

test('a longest wait alone bounds the usual one', () => {
  assert.equal(backOffOf({ maxInterval: '1s' }), '{"baseInterval":"0.025s","maxInterval":"1s"}');
  assert.equal(backOffOf({ maxInterval: '10ms' }), '{"baseInterval":"0.010s","maxInterval":"0.010s"}');
});

function clusterWith(...loadBalancers: readonly object[]): Record<string, unknown> {
  const cluster = configWith(
    'MeshLoadBalancingStrategy',
    ...loadBalancers.map((loadBalancer) => ({ loadBalancer })),
  ).resources.cluster.get('api');
  assert.ok(cluster);
  return resourceJson(cluster) as Record<string, unknown>;
}

test('a ring is no larger than the smaller of the sizes that two policies give', () => {
  const ring = (sizes: object) => ({ type: 'RingHash', ringHash: sizes });
  const { ringHashLbConfig } = clusterWith(ring({ minRingSize: 3000 }), ring({ maxRingSize: 2000 }));
  assert.deepEqual(ringHashLbConfig, { minimumRingSize: '2000', maximumRingSize: '2000' });
  assert.deepEqual(clusterWith(ring({ maxRingSize: 7 })).ringHashLbConfig, {
    minimumRingSize: '7',
    maximumRingSize: '7',
  });
});

test('a table that would end Envoy, or that it refuses, gets the next size that is possible', () => {
  const tableOf = (tableSize: number) => clusterWith({ type: 'Maglev', maglev: { tableSize } }).maglevLbConfig;
  assert.deepEqual(tableOf(1), { tableSize: '2' });
  assert.deepEqual(tableOf(65_536), { tableSize: '65537' });
  assert.deepEqual(tableOf(5_000_011), { tableSize: '5000011' });
});
