// Proxies whose address is a host name: Envoy, which takes IP addresses only, is told those, and nothing while there is none.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resourceJson } from '@ursa/envoy';
import { builtinPolicies } from '@ursa/policies';
import { createWorld, type World } from './world.ts';

const mesh = 'default';

function dataplane(name: string, service: string, networking: object): object {
  const inbound = [{ port: 8080, tags: { 'kuma.io/service': service } }];
  return { type: 'Dataplane', mesh, name, networking: { inbound, ...networking } };
}

/** `web-1` calls `api`: one instance has an IP address, one a host name. */
function openHosts(networking: object): World {
  const world = createWorld(builtinPolicies, 'default');
  world.apply({ type: 'Mesh', name: mesh, skipCreatingInitialPolicies: ['*'] });
  const outbound = [{ port: 10001, tags: { 'kuma.io/service': 'api' } }];
  world.apply(dataplane('web-1', 'web', { address: '192.0.2.1', outbound }));
  world.apply(dataplane('api-1', 'api', { address: '192.0.2.2' }));
  world.apply(dataplane('api-2', 'api', networking));
  world.settle();
  return world;
}

function endpointsOf(world: World): readonly string[] {
  const config = world.engine.config.get(world.connect(mesh, 'web-1'));
  const found = config?.resources.endpoint.get('api');
  assert.ok(found);
  return [...JSON.stringify(resourceJson(found)).matchAll(/"address":"([^"]+)"/g)].map(([, address = '']) => address);
}

for (const networking of [{ address: 'api-2.example' }, { address: '10.0.0.2', advertisedAddress: 'api-2.example' }]) {
  test(`clients get the IP address behind ${JSON.stringify(networking)}, and as long as there is none, the others`, () => {
    const world = openHosts(networking);
    assert.deepEqual(endpointsOf(world), ['192.0.2.2']);
    world.sources.hostAddresses.set('api-2.example', '192.0.2.3');
    assert.deepEqual(endpointsOf(world), ['192.0.2.2', '192.0.2.3']);
    world.sources.hostAddresses.set('api-2.example', '192.0.2.4');
    assert.deepEqual(endpointsOf(world), ['192.0.2.2', '192.0.2.4']);
    world.sources.hostAddresses.delete('api-2.example');
    assert.deepEqual(endpointsOf(world), ['192.0.2.2']);
  });
}

test('explain says why such an instance gets no requests', () => {
  const world = openHosts({ address: 'api-2.example' });
  world.connect(mesh, 'web-1');
  const { problems } = world.engine.explain({ mesh, from: 'web', to: 'api', method: 'GET', path: '/', headers: {} });
  assert.match(problems[0]?.fix ?? '', /^give it an IP address, or let the DNS of the control plane know the name$/);
  assert.match(
    problems.map(({ message }) => message).join('\n'),
    /its address api-2\.example is a host name for which no IP address is known/,
  );
});

test('a proxy listens on the IP address behind its host name', () => {
  const world = openHosts({ address: 'api-2.example' });
  const proxy = world.connect(mesh, 'api-2');
  // Nothing rather than a listener that Envoy refuses: where traffic is redirected, a port without its listener would be open.
  assert.equal(world.engine.config.get(proxy), undefined);
  world.sources.hostAddresses.set('api-2.example', '192.0.2.3');
  const listeners = world.engine.config.get(proxy)?.resources.listener.keys();
  assert.ok([...(listeners ?? [])].includes('inbound:192.0.2.3:8080'));
});

test('a zone egress is reached at the IP address behind its host name', () => {
  const world = openHosts({ address: '192.0.2.3' });
  const backends = [{ name: 'ca-1', type: 'builtin' }];
  world.apply({
    type: 'Mesh',
    name: mesh,
    mtls: { enabledBackend: 'ca-1', backends },
    meshServices: { mode: 'Exclusive' },
  });
  world.apply({ type: 'ZoneEgress', name: 'egress-1', networking: { address: 'egress.example', port: 10002 } });
  world.apply({
    ...{ type: 'MeshExternalService', mesh, name: 'pay' },
    spec: { match: { port: 80 }, endpoints: [{ address: '192.0.2.9', port: 80 }] },
  });
  world.settle();
  const proxy = world.connect(mesh, 'web-1', {
    transparentProxy: {
      ...{ enabled: true, inboundPort: 15006, outboundPort: 15001, dnsPort: 15053, dnsEnabled: true },
      ipFamilyMode: 'dualstack',
    },
  });
  const endpoints = (): string => {
    const found = world.engine.config.get(proxy)?.resources.endpoint ?? new Map();
    return JSON.stringify([...found.values()].map((each) => resourceJson(each)));
  };
  assert.doesNotMatch(endpoints(), /egress\.example/);
  world.sources.hostAddresses.set('egress.example', '192.0.2.8');
  assert.match(endpoints(), /"address":"192\.0\.2\.8","portValue":10002/);
});
