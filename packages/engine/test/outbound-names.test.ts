// Outbounds that name a service by its tag, and what they mean where all services are resources.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resourceJson } from '@ursa/envoy';
import { createWorld, type World } from './world.ts';

const mesh = 'default';

/** `web` calls `api` by its tag; of `api` there are instances that listen at these ports. */
function openWorld(mode: string, instances: readonly (readonly number[])[], more: readonly number[] = []): World {
  const world = createWorld();
  world.apply({ type: 'Mesh', name: mesh, meshServices: { mode } });
  const tags = (service: string) => ({ 'kuma.io/service': service, 'kuma.io/protocol': 'http' });
  for (const [index, ports] of instances.entries())
    world.apply({
      type: 'Dataplane',
      mesh,
      name: `api-${index}`,
      networking: { address: '10.0.0.1', inbound: ports.map((port) => ({ port, tags: tags('api') })) },
    });
  const outbound = [{ port: 9001, tags: { 'kuma.io/service': 'api' } }];
  world.apply({
    type: 'Dataplane',
    mesh,
    name: 'web',
    networking: { address: '10.0.0.2', inbound: [{ port: 80, tags: tags('web') }], outbound },
  });
  const ports = [8080, ...more].map((port) => ({ name: String(port), port, targetPort: port, appProtocol: 'http' }));
  world.apply({
    type: 'MeshService',
    mesh,
    name: 'api',
    labels: { 'kuma.io/managed-by': 'meshservice-generator' },
    spec: { selector: { dataplaneTags: { 'kuma.io/service': 'api' } }, ports },
  });
  const to = [{ targetRef: { kind: 'MeshService', name: 'api' }, default: { connectionTimeout: '7s' } }];
  world.apply({
    type: 'MeshTimeout',
    mesh,
    name: 'seven',
    spec: { targetRef: { kind: 'Mesh' }, to },
  });
  world.settle();
  return world;
}

/** The cluster that the call leads to, with its timeout and the ports of its endpoints. */
function callOf(world: World): readonly [cluster: string, timeout: unknown, ports: readonly number[]] {
  const config = world.engine.config.get(world.connect(mesh, 'web', { features: [] }));
  assert.ok(config);
  const [endpoints] = config.resources.endpoint.values();
  assert.ok(endpoints);
  const cluster = config.resources.cluster.get(endpoints.name);
  assert.ok(cluster);
  const { connectTimeout } = resourceJson(cluster) as { readonly connectTimeout: string };
  const ports = [...JSON.stringify(resourceJson(endpoints)).matchAll(/"portValue":(\d+)/g)].map(([, port]) =>
    Number(port),
  );
  return [endpoints.name, connectTimeout, ports];
}

test('where all services are resources it means the one of that name, with its policies and all of its instances', () => {
  assert.deepEqual(callOf(openWorld('Exclusive', [[8080], [8081]])), [
    'default_api__default_msvc_8080',
    '7s',
    [8080, 8081],
  ]);
});

test('of a service with several ports it means all instances of the tag, as elsewhere', () => {
  assert.deepEqual(callOf(openWorld('Exclusive', [[8080, 9090]], [9090])), ['api', '5s', [8080, 9090]]);
  assert.deepEqual(callOf(openWorld('Everywhere', [[8080], [8081]])), ['api', '5s', [8080, 8081]]);
});
