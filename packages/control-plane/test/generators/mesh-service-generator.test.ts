import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hour, startGenerators } from './mesh-services.ts';

const mesh = (name: string, mode: string, more: object = {}) => ({
  type: 'Mesh',
  name,
  meshServices: { mode },
  ...more,
});
const dataplane = (name: string, service: string, inbound: object = {}, meshName = 'm1') => ({
  type: 'Dataplane',
  mesh: meshName,
  name,
  networking: {
    address: '192.0.2.1',
    inbound: [{ port: 8080, tags: { 'kuma.io/service': service, 'kuma.io/protocol': 'http' }, ...inbound }],
  },
});

test('a service comes complete with its first Dataplane: one write, with address and host name', async () => {
  const run = await startGenerators();
  await run.apply(mesh('m1', 'Exclusive'));
  await run.settle();
  const before = run.revision();
  await run.apply(dataplane('web-1', 'web'));
  await run.settle();
  assert.equal(run.revision(), before + 2);
  const service = run.meshService('m1/web');
  assert.match(service?.status?.vips?.[0]?.ip ?? '', /^241\./);
  assert.equal(service?.status?.addresses?.[0]?.hostname, 'web.svc.mesh.local');
  assert.deepEqual(service?.status?.dataplaneProxies, { healthy: 1, total: 1 });
  await run.stop();
});

test('nothing is written again when nothing has changed, also after a restart', async () => {
  const run = await startGenerators();
  await run.apply(mesh('m1', 'Everywhere'), dataplane('web-1', 'web'), dataplane('api-1', 'api'));
  await run.settle();
  const { ip } = run.meshService('m1/web')?.status?.vips?.[0] ?? {};
  const revision = run.revision();
  await run.apply(dataplane('web-1', 'web'));
  await run.settle();
  await run.stop();
  const again = await startGenerators({ store: run.store });
  await again.settle();
  assert.equal(again.revision(), revision);
  assert.equal(again.meshService('m1/web')?.status?.vips?.[0]?.ip, ip);
  await again.stop();
});

test('many changes at once are few writes', async () => {
  const run = await startGenerators();
  await run.apply(mesh('m1', 'Exclusive'));
  await run.settle();
  const before = run.revision();
  const names = Array.from({ length: 100 }, (_, number) => `service-${number}`);
  for (const name of names) await run.apply(dataplane(name, name));
  await run.settle();
  assert.equal(run.revision(), before + 200);
  const addresses = names.map((name) => run.meshService(`m1/${name}`)?.status?.vips?.[0]?.ip);
  assert.equal(new Set(addresses).size, 100);
  await run.stop();
});

test('meshes that do not use MeshServices have none, and lose the generated ones when they stop using them', async () => {
  const run = await startGenerators();
  await run.apply(mesh('m1', 'Disabled'), dataplane('web-1', 'web'));
  await run.settle();
  assert.equal(run.meshService('m1/web'), undefined);
  await run.apply(mesh('m1', 'ReachableBackends'));
  await run.settle();
  assert.ok(run.meshService('m1/web'));
  await run.apply({
    type: 'MeshService',
    mesh: 'm1',
    name: 'own',
    spec: { selector: { dataplaneTags: { 'kuma.io/service': 'web' } } },
  });
  await run.apply(mesh('m1', 'Disabled'));
  await run.settle();
  assert.equal(run.meshService('m1/web'), undefined);
  assert.ok(run.meshService('m1/own'));
  await run.stop();
});

test('a service without Dataplanes is kept for the grace period, and stays when one comes back', async () => {
  const run = await startGenerators();
  const label = 'kuma.io/deletion-grace-period-started-at';
  await run.apply(mesh('m1', 'Exclusive'), dataplane('web-1', 'web'));
  await run.settle();
  const address = run.meshService('m1/web')?.status?.vips?.[0]?.ip;
  await run.delete('Dataplane', 'm1', 'web-1');
  await run.settle();
  assert.ok(Date.parse(run.meshService('m1/web')?.labels[label] ?? '') > 0);
  assert.equal(run.meshService('m1/web')?.spec.state, 'Unavailable');
  run.clock.moveTo(run.clock.now() + hour / 2);
  await run.apply(dataplane('web-2', 'web'));
  await run.settle();
  assert.equal(run.meshService('m1/web')?.labels[label], undefined);
  assert.equal(run.meshService('m1/web')?.status?.vips?.[0]?.ip, address);
  run.clock.moveTo(run.clock.now() + 2 * hour);
  await run.settle();
  assert.ok(run.meshService('m1/web'));
  await run.delete('Dataplane', 'm1', 'web-2');
  await run.settle();
  run.clock.moveTo(run.clock.now() + hour);
  await run.settle();
  assert.equal(run.meshService('m1/web'), undefined);
  await run.stop();
});

test('where Dataplanes disagree on ports, what the service says now wins while one of them says so too', async () => {
  const run = await startGenerators();
  await run.apply(mesh('m1', 'Exclusive'), dataplane('web-1', 'web', { port: 8080 }));
  await run.settle();
  await run.apply(dataplane('web-2', 'web', { port: 9090 }));
  await run.settle();
  const ports = () => run.meshService('m1/web')?.spec.ports?.map(({ port }) => port);
  assert.deepEqual(ports(), [8080]);
  await run.delete('Dataplane', 'm1', 'web-1');
  await run.settle();
  assert.deepEqual(ports(), [9090]);
  await run.stop();
});

test('a service of that name that a user has made is not touched, but for its status', async () => {
  const run = await startGenerators();
  const selector = { dataplaneLabels: { matchLabels: { app: 'web' } } };
  await run.apply(mesh('m1', 'Exclusive'));
  await run.apply({
    type: 'MeshService',
    mesh: 'm1',
    name: 'web',
    labels: { mine: 'yes' },
    spec: { selector, ports: [{ port: 1234 }] },
  });
  await run.apply({ ...dataplane('web-1', 'web', { port: 1234 }), labels: { app: 'web' } });
  await run.settle();
  const service = run.meshService('m1/web');
  assert.deepEqual(service?.spec.selector, selector);
  assert.equal(service?.labels.mine, 'yes');
  assert.deepEqual(
    service?.spec.ports?.map(({ port }) => port),
    [1234],
  );
  assert.deepEqual(service?.status?.dataplaneProxies, { healthy: 1, total: 1 });
  assert.equal(service?.spec.state, 'Available');
  await run.stop();
});

test('connections and certificates of the proxies show in the status; TLS that is ready stays ready', async () => {
  const run = await startGenerators();
  const mtls = { mtls: { enabledBackend: 'ca-1', backends: [{ name: 'ca-1', type: 'builtin' }] } };
  await run.apply(mesh('m1', 'Exclusive', mtls), dataplane('web-1', 'web'), dataplane('web-2', 'web'));
  const insight = async (name: string, spec: object) => {
    await run.store.write([
      { kind: 'put', resource: { type: 'DataplaneInsight', mesh: 'm1', name, labels: {}, spec } },
    ]);
    await run.settle();
  };
  await run.settle();
  const status = () => run.meshService('m1/web')?.status;
  assert.deepEqual(status()?.tls, { status: 'NotReady' });
  const certified = { subscriptions: [{ connectTime: '2026-11-23T12:00:00Z' }], mTLS: { issuedBackend: 'ca-1' } };
  await insight('web-1', certified);
  assert.deepEqual(status()?.dataplaneProxies, { connected: 1, healthy: 2, total: 2 });
  assert.deepEqual(status()?.tls, { status: 'NotReady' });
  await insight('web-2', certified);
  assert.deepEqual(status()?.tls, { status: 'Ready' });
  await run.apply(dataplane('web-3', 'web'));
  await insight('web-1', {
    subscriptions: [{ connectTime: '2026-11-23T12:00:00Z', disconnectTime: '2026-11-23T12:01:00Z' }],
  });
  assert.deepEqual(status()?.dataplaneProxies, { connected: 1, healthy: 3, total: 3 });
  assert.deepEqual(status()?.tls, { status: 'Ready' });
  await run.apply(mesh('m1', 'Exclusive'));
  await run.settle();
  assert.deepEqual(status()?.tls, { status: 'NotReady' });
  await run.stop();
});

test('with generation switched off MeshServices come and go by hand only, and have addresses and statuses all the same', async () => {
  const run = await startGenerators();
  await run.apply(mesh('m1', 'Exclusive'), dataplane('web-1', 'web'));
  await run.settle();
  await run.stop();
  const off = await startGenerators({ store: run.store, generates: false });
  const selector = { dataplaneTags: { 'kuma.io/service': 'api' } };
  await off.apply({ type: 'MeshService', mesh: 'm1', name: 'own', spec: { selector, ports: [{ port: 8080 }] } });
  await off.apply(dataplane('api-1', 'api'));
  await off.delete('Dataplane', 'm1', 'web-1');
  await off.settle();
  assert.equal(off.meshService('m1/api'), undefined);
  assert.match(off.meshService('m1/own')?.status?.vips?.[0]?.ip ?? '', /^241\./);
  assert.equal(off.meshService('m1/own')?.status?.addresses?.[0]?.hostname, 'own.svc.mesh.local');
  assert.equal(off.meshService('m1/own')?.spec.state, 'Available');
  const left = off.meshService('m1/web');
  assert.deepEqual([left?.spec.state, left?.status?.dataplaneProxies], ['Unavailable', {}]);
  assert.equal(left?.labels['kuma.io/deletion-grace-period-started-at'], undefined);
  await off.stop();
});

test('a change of one Dataplane recomputes its own service and no other', async () => {
  const run = await startGenerators();
  const documents = Array.from({ length: 50 }, (_, number) => dataplane(`web-${number}`, `web-${number}`));
  await run.apply(mesh('m1', 'Exclusive'), ...documents);
  await run.settle();
  const before = run.live.graph.stats().recomputed;
  await run.apply(dataplane('web-7', 'web-7', { state: 'NotReady' }));
  await run.settle();
  assert.equal(run.meshService('m1/web-7')?.spec.state, 'Unavailable');
  const after = run.live.graph.stats().recomputed;
  const runs = (name: string) => (after[name] ?? 0) - (before[name] ?? 0);
  // Once for the Dataplane, once for the service that was written.
  assert.deepEqual([runs('served-ports'), runs('mesh-service-plan/one'), runs('hostnames/MeshService')], [1, 2, 0]);
  await run.stop();
});
