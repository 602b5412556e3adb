// MeshMultiZoneServices whose members are in this zone: where their traffic goes, and what policies say of it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resourceJson } from '@ursa/envoy';
import { createWorld, type World } from './world.ts';

const mesh = 'default';
const cluster = 'default_shop___mzsvc_80';

const dataplane = (service: string, address: string) => ({
  type: 'Dataplane',
  mesh,
  name: service,
  networking: { address, inbound: [{ port: 80, tags: { 'kuma.io/service': service, 'kuma.io/protocol': 'http' } }] },
});

const meshService = (name: string, labels: Readonly<Record<string, string>>) => ({
  type: 'MeshService',
  mesh,
  name,
  labels,
  spec: {
    selector: { dataplaneTags: { 'kuma.io/service': name } },
    ports: [{ port: 80, appProtocol: 'http' }],
    identities: [{ type: 'ServiceTag', value: name }],
  },
});

function openWorld(...more: readonly object[]): { readonly world: World; readonly client: string } {
  const world = createWorld();
  const mtls = { enabledBackend: 'ca', backends: [{ name: 'ca', type: 'builtin' }] };
  world.apply({ type: 'Mesh', name: mesh, mtls, meshServices: { mode: 'Exclusive' } });
  for (const [index, name] of ['one', 'two', 'other', 'client'].entries())
    world.apply(dataplane(name, `10.0.0.${index + 1}`));
  world.apply(meshService('one', { shop: 'yes' }));
  world.apply(meshService('two', { shop: 'yes' }));
  world.apply(meshService('other', {}));
  const selector = { meshService: { matchLabels: { shop: 'yes' } } };
  world.apply({
    type: 'MeshMultiZoneService',
    mesh,
    name: 'shop',
    labels: { team: 'x' },
    spec: { selector, ports: [{ port: 80, appProtocol: 'http' }] },
  });
  // What the control plane's generators write.
  const shop = world.resources('MeshMultiZoneService').get(`${mesh}/shop`);
  assert.ok(shop);
  const status = { vips: [{ ip: '243.0.0.1' }], addresses: [{ hostname: 'shop.mzsvc.mesh.local' }] };
  world.resources('MeshMultiZoneService').set(`${mesh}/shop`, { ...shop, status });
  for (const document of more) world.apply(document);
  world.settle();
  return { world, client: world.connect(mesh, 'client') };
}

function resourceOf(
  { world, client }: ReturnType<typeof openWorld>,
  type: 'cluster' | 'endpoint' | 'listener',
  name: string,
): string {
  const resource = world.engine.config.get(client)?.resources[type].get(name);
  return resource === undefined ? '' : JSON.stringify(resourceJson(resource));
}

const addressesIn = (text: string): string[] => [...text.matchAll(/10\.0\.0\.\d+/g)].map(String);

test('it is served by all services that its labels match, and by those that come to match', () => {
  const run = openWorld();
  assert.deepEqual(addressesIn(resourceOf(run, 'endpoint', cluster)), ['10.0.0.1', '10.0.0.2']);
  run.world.apply(meshService('other', { shop: 'yes' }));
  assert.deepEqual(addressesIn(resourceOf(run, 'endpoint', cluster)), ['10.0.0.1', '10.0.0.3', '10.0.0.2']);
});

test('the identities of all of them are taken', () => {
  const text = resourceOf(openWorld(), 'cluster', cluster);
  const names = [...text.matchAll(/"exact":"(spiffe:[^"]*)"/g)].map(([, name]) => name);
  assert.deepEqual(names, ['spiffe://default/one', 'spiffe://default/two']);
  assert.match(text, /\.shop\.80\.default\.mzms"/);
});

test('it has an address and a name of its own', () => {
  const run = openWorld();
  assert.match(resourceOf(run, 'listener', 'outbound:243.0.0.1:80'), new RegExp(cluster));
  assert.match(resourceOf(run, 'listener', '_kuma:dynamicconfig'), /shop\.mzsvc\.mesh\.local/);
});

// It belongs to no zone: what a zone writes finds it by labels.
test('policies speak of it, and routes send traffic to it', () => {
  const labels = { team: 'x' };
  const to = { kind: 'MeshMultiZoneService', labels };
  const timeout = {
    type: 'MeshTimeout',
    mesh,
    name: 'some',
    spec: { to: [{ targetRef: to, default: { connectionTimeout: '7s' } }] },
  };
  const backendRefs = [{ kind: 'MeshMultiZoneService', labels, port: 80 }];
  const rules = [{ matches: [{ path: { type: 'Exact', value: '/shop' } }], default: { backendRefs } }];
  const route = {
    type: 'MeshHTTPRoute',
    mesh,
    name: 'some',
    spec: { to: [{ targetRef: { kind: 'MeshService', name: 'other' }, rules }] },
  };
  const run = openWorld(timeout, route);
  assert.match(resourceOf(run, 'cluster', cluster), /"connectTimeout":"7s"/);
  assert.equal(run.world.engine.config.get(run.client)?.warnings.length, 0);
  const other = run.world.resources('MeshService').get(`${mesh}/other`)?.status as { vips: { ip: string }[] };
  assert.match(resourceOf(run, 'listener', `outbound:${other.vips[0]?.ip}:80`), new RegExp(cluster));
});

test('a host name that two generators have given is told once', () => {
  const transparentProxying = { redirectPortInbound: 15006, redirectPortOutbound: 15001 };
  const { world } = openWorld({
    type: 'Dataplane',
    mesh,
    name: 'host',
    networking: {
      address: '10.0.0.9',
      inbound: [{ port: 80, tags: { 'kuma.io/service': 'host' } }],
      transparentProxying,
    },
  });
  const shop = world.resources('MeshMultiZoneService').get(`${mesh}/shop`);
  assert.ok(shop);
  const addresses = ['shop.example', 'shop.example', 'shop.mzsvc.mesh.local'].map((hostname) => ({ hostname }));
  world
    .resources('MeshMultiZoneService')
    .set(`${mesh}/shop`, { ...shop, status: { vips: [{ ip: '243.0.0.1' }], addresses } });
  world.settle();
  const client = world.connect(mesh, 'host', { features: ['feature-embedded-dns'], workdir: '/tmp' });
  const listener = world.engine.config.get(client)?.resources.listener.get('_kuma:dynamicconfig');
  assert.ok(listener);
  const told = JSON.stringify(resourceJson(listener));
  assert.equal(told.split('shop.example').length - 1, 1);
  assert.equal(told.split('shop.mzsvc.mesh.local').length - 1, 1);
});
