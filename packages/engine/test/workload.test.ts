import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resourceJson } from '@ursa/envoy';
import { createWorld, type World } from './world.ts';

function twoCallers(): World {
  const world = createWorld();
  world.apply({ type: 'Mesh', name: 'default' });
  for (const [service, port] of [
    ['web', 80],
    ['shop', 81],
    ['api', 82],
  ] as const) {
    const tags = { 'kuma.io/service': service, 'kuma.io/protocol': 'http' };
    const networking = {
      address: '192.0.2.1',
      inbound: [{ port, tags }],
      outbound: [{ port: 10001, tags: { 'kuma.io/service': 'api' } }],
    };
    world.apply({ type: 'Dataplane', mesh: 'default', name: service, networking });
  }
  return world;
}

function trace(world: World, targetRef: object): void {
  const backends = [{ type: 'Datadog', datadog: { url: 'http://127.0.0.1:8126' } }];
  world.apply({ type: 'MeshTrace', mesh: 'default', name: 'all', spec: { targetRef, default: { backends } } });
}

function outboundOf(world: World, proxy: string) {
  const config = world.engine.config.get(world.connect('default', proxy, { features: [] }));
  const listener = config?.resources.listener.get('outbound:127.0.0.1:10001');
  assert.ok(config && listener);
  return { config, listener, text: JSON.stringify(resourceJson(listener)) };
}

test('callers share an outbound until a policy names the workload; then each has its own', () => {
  const world = twoCallers();
  assert.equal(outboundOf(world, 'web').listener, outboundOf(world, 'shop').listener);
  trace(world, { kind: 'Mesh' });
  assert.match(outboundOf(world, 'web').text, /"serviceName":"web"/);
  assert.match(outboundOf(world, 'shop').text, /"serviceName":"shop"/);
});

test('clusters of a policy come and go with it, and only where it applies', () => {
  const world = twoCallers();
  const has = (proxy: string) => outboundOf(world, proxy).config.resources.cluster.has('meshtrace:datadog');
  trace(world, { kind: 'Dataplane', name: 'web' });
  assert.deepEqual([has('web'), has('shop')], [true, false]);
  trace(world, { kind: 'Dataplane', name: 'shop' });
  assert.deepEqual([has('web'), has('shop')], [false, true]);
});
