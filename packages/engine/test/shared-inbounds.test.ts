// What instances of one service have in common of their inbounds is built once, and what they do not have in common is told apart.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resourceJson } from '@ursa/envoy';
import { builtinPolicies } from '@ursa/policies';
import type { InboundPlace, ProxyPolicy } from '@ursa/policy';
import { createWorld } from './world.ts';

const instances = [1, 2, 3, 4, 5];

/** Five instances of a service; counts how often an inbound is shown to a policy that does `look` with it. */
function start(protocol: string, look: (place: InboundPlace) => void = () => {}) {
  let shown = 0;
  const policies = builtinPolicies.map((policy): ProxyPolicy => {
    if (policy.name !== 'MeshTimeout') return policy;
    const inbound: typeof policy.hooks.inbound = (place, conf) => {
      shown += 1;
      look(place);
      policy.hooks.inbound?.(place, conf);
    };
    return { ...policy, hooks: { ...policy.hooks, inbound } };
  });
  const world = createWorld(policies);
  const backends = [{ name: 'ca', type: 'builtin' }];
  world.apply({ type: 'Mesh', name: 'default', mtls: { enabledBackend: 'ca', backends } });
  const tags = { 'kuma.io/service': 'api', 'kuma.io/protocol': protocol };
  for (const instance of instances) {
    const networking = { address: `192.0.2.${instance}`, inbound: [{ port: 80, servicePort: 8080, tags }] };
    world.apply({ type: 'Dataplane', mesh: 'default', name: `api-${instance}`, networking });
  }
  for (const instance of instances) {
    const key = world.connect('default', `api-${instance}`, { features: [], workdir: `/run/api-${instance}` });
    world.settle();
    // What nobody watches is forgotten after each question.
    world.graph.watch(world.engine.config, [key], () => {});
  }
  const listenerOf = (instance: number): string => {
    const config = world.engine.config.get(`default/api-${instance}`);
    const listener = config?.resources.listener.get(`inbound:192.0.2.${instance}:80`);
    const cluster = config?.resources.cluster.get('localhost:8080');
    assert.ok(listener && cluster);
    return JSON.stringify([resourceJson(listener), resourceJson(cluster)]);
  };
  return { world, texts: instances.map(listenerOf), shown: () => shown };
}

test('instances of a service share what policies make of their inbounds, each at its own address', () => {
  const { texts, shown } = start('http');
  assert.equal(shown(), 1);
  assert.deepEqual(
    texts.map((text) => text.replaceAll(/192\.0\.2\.\d/g, 'address')),
    instances.map(() => texts[0]?.replaceAll('192.0.2.1', 'address')),
  );
  assert.equal(new Set(texts).size, instances.length);
});

test('a policy that asks who the proxy is sees the proxy, and each gets an inbound of its own', () => {
  const seen = new Set<string>();
  start('http', ({ proxy }) => seen.add(proxy.self?.name ?? ''));
  assert.deepEqual([...seen].filter(Boolean).sort(), ['api-1', 'api-2', 'api-3', 'api-4', 'api-5']);
});

test('a policy that asks for the name of the listener sees it: statistics of TCP permissions have it', () => {
  const { texts } = start('tcp');
  for (const [index, text] of texts.entries()) assert.match(text, new RegExp(`inbound_192_0_2_${index + 1}_80\\.`));
});

test('access logs name their proxy', () => {
  const { world } = start('http');
  const backends = [{ type: 'Tcp', tcp: { address: '127.0.0.1:9000' } }];
  const spec = { targetRef: { kind: 'Mesh' }, rules: [{ default: { backends } }] };
  world.apply({ type: 'MeshAccessLog', mesh: 'default', name: 'all', spec });
  for (const instance of instances) {
    const listener = world.engine.config.get(`default/api-${instance}`)?.resources.listener;
    const text = JSON.stringify([...(listener?.values() ?? [])].map(resourceJson));
    assert.match(text, new RegExp(`192\\.0\\.2\\.${instance}`));
    assert.doesNotMatch(text, new RegExp(`api-[^${instance}]`));
  }
});
