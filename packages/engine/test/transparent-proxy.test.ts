// What a proxy says of how its traffic is redirected, and the listeners that follow from it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromBinary } from '@bufbuild/protobuf';
import { ListenerSchema } from '@ursa/envoy/gen/envoy/config/listener/v3/listener_pb.ts';
import type { ConnectedProxy, TransparentProxy } from '../src/index.ts';
import { mesh, smallMesh } from './small-mesh.ts';
import { createWorld } from './world.ts';

const dualstack: TransparentProxy = {
  ...{ enabled: true, inboundPort: 16_006, outboundPort: 16_001, dnsPort: 15_053, dnsEnabled: false },
  ipFamilyMode: 'dualstack',
};

/** Addresses by the name of the listener. */
function listenersOf(facts: Partial<ConnectedProxy>): ReadonlyMap<string, readonly string[]> {
  const world = createWorld();
  for (const document of smallMesh()) world.apply(document);
  world.settle();
  const config = world.engine.config.get(world.connect(mesh, 'web-1', facts));
  return new Map(
    [...(config?.resources.listener ?? [])].map(([name, resource]) => {
      const { address, additionalAddresses } = fromBinary(ListenerSchema, resource.bytes);
      const all = [address, ...additionalAddresses.map((additional) => additional.address)];
      return [
        name,
        all.map((item) => {
          const socket = item?.address.case === 'socketAddress' ? item.address.value : undefined;
          const port = socket?.portSpecifier.case === 'portValue' ? socket.portSpecifier.value : 0;
          return `${socket?.address} ${port}`;
        }),
      ];
    }),
  );
}

const virtual = (listeners: ReadonlyMap<string, readonly string[]>): readonly (readonly string[])[] =>
  [...listeners].filter(([name]) => name.startsWith('outbound:24')).map(([, addresses]) => addresses);

test('traffic arrives at the ports that the proxy says, in both families', () => {
  const listeners = listenersOf({ features: [], transparentProxy: dualstack });
  assert.deepEqual(listeners.get('inbound:passthrough:ipv4'), ['0.0.0.0 16006']);
  assert.deepEqual(listeners.get('outbound:passthrough:ipv6'), [':: 16001']);
  assert.ok(virtual(listeners).length > 0);
  for (const addresses of virtual(listeners)) assert.equal(addresses.length, 1);
});

test('a virtual address is served as IPv6 too for a proxy that asks for it', () => {
  const listeners = virtual(listenersOf({ features: ['feature-virtual-ipv6'], transparentProxy: dualstack }));
  assert.ok(listeners.length > 0);
  for (const [ipv4 = '', ipv6 = '', ...more] of listeners) {
    assert.match(ipv4, /^24\d\./);
    assert.match(ipv6, /^fd00:fd00::f\d+:/);
    assert.equal(ipv4.split(' ')[1], ipv6.split(' ')[1]);
    assert.deepEqual(more, []);
  }
});

test('a proxy of IPv4 alone has no listeners of IPv6, and one to which nothing is redirected has none of this', () => {
  const ipv4 = listenersOf({ features: [], transparentProxy: { ...dualstack, ipFamilyMode: 'ipv4' } });
  assert.ok(ipv4.has('inbound:passthrough:ipv4') && !ipv4.has('inbound:passthrough:ipv6'));
  const off = listenersOf({ features: [], transparentProxy: { ...dualstack, enabled: false } });
  assert.deepEqual(
    [...off.keys()].filter((name) => name.includes('passthrough')),
    [],
  );
});

test('a stored service with ports that are none costs a proxy only these', () => {
  const world = createWorld();
  for (const document of smallMesh()) world.apply(document);
  world.apply({ type: 'Mesh', name: mesh, meshServices: { mode: 'Everywhere' } });
  world.settle();
  const services = world.resources('MeshService');
  const key = `${mesh}/api`;
  const service = services.get(key);
  assert.ok(service);
  // Written before such ports were refused.
  const ports = [8080, -4, 0, 70_000].map((port) => ({ port, targetPort: 8080, appProtocol: 'http' }));
  services.set(key, { ...service, spec: { ...(service.spec as object), ports } });
  const { resources, warnings } =
    world.engine.config.get(world.connect(mesh, 'web-1', { features: [], transparentProxy: dualstack })) ?? {};
  assert.deepEqual(warnings, []);
  const ip = (service.status as { readonly vips: readonly { readonly ip: string }[] }).vips[0]?.ip;
  const outbounds = [...(resources?.listener.keys() ?? [])].filter((name) => name.startsWith(`outbound:${ip}:`));
  assert.deepEqual(outbounds, [`outbound:${ip}:8080`]);
});
