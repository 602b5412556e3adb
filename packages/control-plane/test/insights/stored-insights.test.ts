// How insights get into the store: together, in time, and true when another instance writes too.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createGraph } from '@ursa/collections';
import type { IssuedIdentity, TrustBundle } from '@ursa/engine';
import { coreResourceTypes, createResourceTypes, type Resource } from '@ursa/resources';
import { disconnected, isConnected, type ProxyInsight } from '../../src/insights/insight.ts';
import type { MeshInsight } from '../../src/insights/mesh-insight.ts';
import { openMeshInsights } from '../../src/insights/mesh-insights.ts';
import { openProxyInsights } from '../../src/insights/proxy-insights.ts';
import { deriveBackendsInUse } from '../../src/insights/trusted-backends.ts';
import { openLiveResources } from '../../src/store/live-resources.ts';
import { openMemoryStore } from '../../src/store/memory-store.ts';
import { dataplaneSpec, until } from '../xds/running-server.ts';

const version = {
  kumaDp: { version: '1', gitTag: '', gitCommit: '', buildDate: '' },
  envoy: { version: '1.40.0', build: '' },
  dependencies: {},
};
const failOnError = (error: unknown): never => {
  throw error;
};

async function openWorld(...names: readonly string[]) {
  const store = openMemoryStore();
  const graph = createGraph();
  const live = openLiveResources(graph, store);
  const put = (resource: Partial<Resource>) =>
    store.write([{ kind: 'put', resource: { mesh: '', labels: {}, spec: {}, ...resource } as Resource }]);
  await put({ type: 'Mesh', name: 'default' });
  for (const name of names) await put({ type: 'Dataplane', mesh: 'default', name, spec: dataplaneSpec(name) });
  const identities = graph.source<IssuedIdentity>('identities');
  const trust = graph.source<TrustBundle>('trust');
  const egressMeshes: string[] = [];
  const options = {
    store,
    live,
    identities,
    trust,
    egressMeshes: () => egressMeshes,
    instanceId: 'cp',
    machineId: 'own',
    ownVersion: '0.1.0',
    subscriptionLimit: 2,
    flushIntervalMilliseconds: 60_000,
    onError: failOnError,
  };
  const open = (instanceId = 'cp') => openProxyInsights({ ...options, instanceId });
  const insightOf = (name: string) =>
    live.get({ type: 'DataplaneInsight', mesh: 'default', name })?.spec as ProxyInsight | undefined;
  const proxy = (name: string) => ({ type: 'Dataplane', mesh: 'default', name });
  return { store, live, put, identities, trust, egressMeshes, open, insightOf, proxy };
}

test('a connection says whether the proxy is on the machine of this control plane, when both say which that is', async () => {
  const world = await openWorld('there', 'elsewhere', 'silent');
  const insights = world.open();
  insights.connected(world.proxy('there'), version, { machineId: 'own' });
  insights.connected(world.proxy('elsewhere'), version, { machineId: 'other' });
  insights.connected(world.proxy('silent'), version, { machineId: '' });
  await insights.flush();
  const shares = (name: string) => world.insightOf(name)?.subscriptions[0]?.sharesMachine;
  assert.deepEqual(['there', 'elsewhere', 'silent'].map(shares), [true, undefined, undefined]);
  await insights.stop();
});

test('many connects are one write', async () => {
  const names = Array.from({ length: 100 }, (_, index) => `p${index}`);
  const world = await openWorld(...names);
  const insights = world.open();
  let writes = 0;
  const feed = world.store.changes(() => {
    writes += 1;
  });
  writes = 0;
  for (const name of names) insights.connected(world.proxy(name), version);
  await insights.flush();
  assert.equal(writes, 1);
  assert.equal(isConnected(world.insightOf('p99')), true);
  feed.stop();
  await insights.stop();
});

test('a connection says whether its kuma-dp is made for this control plane, where its version tells', async () => {
  const world = await openWorld('near', 'far', 'nameless');
  const insights = world.open();
  const versions = { near: '0.2.0', far: '0.9.0', nameless: '' };
  for (const [name, text] of Object.entries(versions))
    insights.connected(world.proxy(name), { ...version, kumaDp: { ...version.kumaDp, version: text } });
  await insights.flush();
  const said = (name: string) => world.insightOf(name)?.subscriptions[0]?.version.kumaDp.kumaCpCompatible;
  assert.deepEqual([said('near'), said('far'), said('nameless')], [true, false, undefined]);
  await insights.stop();
});

test('a proxy that comes back before it was missed has two connections, one of them over', async () => {
  const world = await openWorld('web');
  const insights = world.open();
  insights.connected(world.proxy('web'), version).disconnected();
  insights.connected(world.proxy('web'), version);
  await insights.flush();
  const subscriptions = world.insightOf('web')?.subscriptions ?? [];
  assert.deepEqual(
    subscriptions.map(({ disconnectTime }) => disconnectTime === undefined),
    [false, true],
  );
  await insights.stop();
});

test('connections are told of again when this instance was taken for gone', async () => {
  const world = await openWorld('web');
  const insights = world.open();
  insights.connected(world.proxy('web'), version);
  insights.connected(world.proxy('web'), version).disconnected();
  await insights.flush();
  const spec = disconnected(world.insightOf('web') as ProxyInsight, new Date().toISOString());
  await world.put({ type: 'DataplaneInsight', mesh: 'default', name: 'web', spec });
  assert.equal(isConnected(world.insightOf('web')), false);
  insights.reassert();
  await insights.flush();
  assert.deepEqual(
    world.insightOf('web')?.subscriptions.map(({ disconnectTime }) => disconnectTime === undefined),
    [false, true],
  );
  await insights.stop();
});

test('a proxy that has moved from one instance to another has its newest connection last, whoever writes first', async () => {
  const world = await openWorld('web');
  const [one, other] = [world.open('one'), world.open('other')];
  const left = one.connected(world.proxy('web'), version);
  await one.flush();
  other.connected(world.proxy('web'), version, { registered: true });
  await other.flush();
  left.disconnected();
  await one.flush();
  const subscriptions = world.insightOf('web')?.subscriptions ?? [];
  assert.deepEqual(
    subscriptions.map(({ controlPlaneInstanceId, disconnectTime }) => [
      controlPlaneInstanceId,
      disconnectTime === undefined,
    ]),
    [
      ['one', false],
      ['other', true],
    ],
  );
  assert.equal(subscriptions[1]?.registered, true);
  await one.stop();
  await other.stop();
});

test('a rejection is written at once, counts wait', async () => {
  const world = await openWorld('web');
  const insights = world.open();
  const connection = insights.connected(world.proxy('web'), version);
  await insights.flush();
  connection.sent('listener');
  connection.rejected('listener', 'no', ['out'], []);
  await until(() => (world.insightOf('web')?.subscriptions[0]?.status.rejections?.length ?? 0) === 1);
  connection.sent('listener');
  await new Promise((resolve) => setTimeout(resolve, 80));
  assert.equal(world.insightOf('web')?.subscriptions[0]?.status.total.responsesSent, '1');
  await insights.stop();
  assert.equal(
    world.insightOf('web')?.subscriptions[0]?.status.total.responsesSent,
    '2',
    'what waits is written at the end',
  );
});

const identity = { certificateChain: '', privateKey: '', backend: 'ca-1', notAfter: '2026-01-02T00:00:00Z' };
const meshWithTls = {
  type: 'Mesh',
  name: 'default',
  spec: { mtls: { enabledBackend: 'ca-1', backends: [{ name: 'ca-1', type: 'builtin' }] } },
};

test('a certificate is told of at once when the proxy has taken it, not when it is issued, and forgotten at once without mTLS', async () => {
  const world = await openWorld('web');
  const insights = world.open();
  const issued = () => world.insightOf('web')?.mTLS?.issuedBackend;
  await world.put(meshWithTls);
  world.identities.set('default/web', identity);
  const connection = insights.connected(world.proxy('web'), version);
  connection.sent('secret');
  await insights.flush();
  assert.equal(issued(), undefined);
  connection.acknowledged('secret', []);
  connection.secured(true);
  await until(() => issued() === 'ca-1');
  await world.put({ ...meshWithTls, spec: {} });
  connection.secured(false);
  await until(() => issued() === undefined);
  await insights.stop();
});

test('a backend is supported when the proxy has answered for its roots, and a mesh is ready for it when all proxies have', async () => {
  const world = await openWorld('web', 'api');
  await world.put(meshWithTls);
  const { isTrustedByAll: ready } = deriveBackendsInUse(world.live, { get: () => undefined });
  const insights = world.open();
  const connections = ['web', 'api'].map((name) => {
    world.identities.set(`default/${name}`, identity);
    return insights.connected(world.proxy(name), version);
  });
  const supported = (name: string) => world.insightOf(name)?.mTLS?.supportedBackends;
  world.trust.set('default', { certificates: '', backends: ['ca-1'] });
  for (const connection of connections) connection.secured(true);
  await insights.flush();
  assert.deepEqual(supported('web'), ['ca-1']);
  for (const connection of connections) connection.secured(false);
  world.trust.set('default', { certificates: '', backends: ['ca-1', 'ca-2'] });
  connections[0]?.secured(true);
  await insights.flush();
  assert.deepEqual([supported('web'), supported('api')], [['ca-1', 'ca-2'], ['ca-1']]);
  assert.equal(ready.get('default', 'ca-2'), false);
  connections[1]?.secured(true);
  await insights.flush();
  assert.equal(ready.get('default', 'ca-2'), true);
  await insights.stop();
});

test('an egress is waited for in the meshes that it serves, and in no other', async () => {
  const world = await openWorld();
  await world.put(meshWithTls);
  await world.put({ type: 'ZoneEgress', name: 'edge' });
  const { isTrustedByAll, isUsed, lastOf } = deriveBackendsInUse(world.live, { get: () => undefined });
  const insights = world.open();
  const insight = () =>
    world.live.get({ type: 'ZoneEgressInsight', mesh: '', name: 'edge' })?.spec as ProxyInsight | undefined;
  world.egressMeshes.push('default');
  world.identities.set('default//edge', identity);
  world.trust.set('default', { certificates: '', backends: ['ca-1'] });
  const connection = insights.connected({ type: 'ZoneEgress', mesh: '', name: 'edge' }, version);
  await insights.flush();
  assert.equal(insight()?.meshes, undefined);
  connection.secured(true);
  await until(() => insight()?.meshes !== undefined);
  assert.deepEqual(insight()?.meshes, { default: { issuedBackend: 'ca-1', supportedBackends: ['ca-1'] } });
  assert.equal(insight()?.mTLS, undefined);
  assert.deepEqual([isTrustedByAll.get('default', 'ca-2'), isTrustedByAll.get('other', 'ca-2')], [false, true]);
  assert.deepEqual([isUsed.get('default', 'ca-1'), isUsed.get('other', 'ca-1')], [true, false]);
  assert.deepEqual([lastOf.get('default//edge'), lastOf.get('other//edge')], ['ca-1', undefined]);
  connection.secured(false);
  world.trust.set('default', { certificates: '', backends: ['ca-1', 'ca-2'] });
  connection.acknowledged('cluster', []);
  await insights.flush();
  assert.equal(isTrustedByAll.get('default', 'ca-2'), false);
  connection.secured(true);
  await until(() => isTrustedByAll.get('default', 'ca-2'));
  world.egressMeshes.pop();
  connection.acknowledged('secret', []);
  await until(() => insight()?.meshes === undefined);
  await insights.stop();
});

test('what is wrong with a certificate is a condition, since when it is, until it is well or there is no mTLS', async () => {
  const world = await openWorld('web');
  await world.put(meshWithTls);
  world.identities.set('default/web', identity);
  const insights = world.open();
  insights.connected(world.proxy('web'), version).secured(true);
  const conditions = () => world.insightOf('web')?.conditions;
  insights.certificate('default/web', undefined);
  insights.certificate('default/gone', { reason: 'Stale', message: '' });
  await insights.flush();
  assert.equal(conditions(), undefined);
  insights.certificate('default/web', { reason: 'EndsSoon', message: 'soon' });
  await insights.flush();
  const [first] = conditions() ?? [];
  assert.deepEqual(
    [first?.type, first?.status, first?.reason, first?.message],
    ['CertificateCurrent', 'False', 'EndsSoon', 'soon'],
  );
  insights.certificate('default/web', { reason: 'EndsSoon', message: 'sooner' });
  await insights.flush();
  assert.deepEqual(conditions(), [first], 'the same thing is not written again');
  const again = world.open('another');
  again.connected(world.proxy('web'), version).secured(true);
  await again.flush();
  assert.deepEqual(conditions(), [first], 'it stays until somebody has looked again');
  again.certificate('default/web', undefined);
  await again.flush();
  assert.equal(conditions(), undefined);
  await Promise.all([insights.stop(), again.stop()]);
});

test('a proxy that rejects a listener is not known to take TLS before it accepts another', async () => {
  const world = await openWorld('web');
  const insights = world.open();
  const issued = () => world.insightOf('web')?.mTLS?.issuedBackend;
  await world.put(meshWithTls);
  world.identities.set('default/web', identity);
  const connection = insights.connected(world.proxy('web'), version);
  connection.rejected('listener', 'no', ['in'], []);
  connection.secured(true);
  await insights.flush();
  assert.equal(issued(), undefined);
  connection.acknowledged('listener', ['in']);
  await until(() => issued() === 'ca-1');
  await insights.stop();
});

test('a certificate that was taken stays known while its proxy comes back, and after a restart', async () => {
  const world = await openWorld('web');
  await world.put(meshWithTls);
  world.identities.set('default/web', identity);
  const first = world.open();
  first.connected(world.proxy('web'), version).secured(true);
  await first.stop();
  world.identities.delete('default/web');
  const second = world.open();
  await second.start();
  second.connected(world.proxy('web'), version).secured(false);
  await second.flush();
  assert.equal(world.insightOf('web')?.mTLS?.issuedBackend, 'ca-1');
  await second.stop();
});

test('the certificate of a proxy is shown, and counted when it is renewed', async () => {
  const world = await openWorld('web');
  const insights = world.open();
  await world.put(meshWithTls);
  world.identities.set('default/web', identity);
  const connection = insights.connected(world.proxy('web'), version);
  connection.secured(true);
  await insights.flush();
  assert.equal(world.insightOf('web')?.mTLS?.certificateRegenerations, 1);
  connection.sent('secret');
  await insights.flush();
  assert.equal(world.insightOf('web')?.mTLS?.certificateRegenerations, 1);
  world.identities.set('default/web', { ...identity, notAfter: '2026-01-03T00:00:00Z' });
  connection.sent('secret');
  await insights.flush();
  assert.equal(world.insightOf('web')?.mTLS?.certificateRegenerations, 2);
  assert.equal(world.insightOf('web')?.mTLS?.certificateExpirationTime, '2026-01-03T00:00:00Z');
  await insights.stop();
});

test('insights of a mesh follow it, and go with it', async () => {
  const world = await openWorld('web');
  const meshes = openMeshInsights({
    store: world.store,
    live: world.live,
    types: createResourceTypes(coreResourceTypes),
    intervalMilliseconds: 1,
    onError: failOnError,
  });
  await meshes.start();
  const meshInsight = () =>
    world.live.get({ type: 'MeshInsight', mesh: '', name: 'default' })?.spec as MeshInsight | undefined;
  await until(() => meshInsight()?.dataplanes.total === 1);
  await world.put({ type: 'Dataplane', mesh: 'default', name: 'api', spec: dataplaneSpec('api') });
  await until(() => meshInsight()?.dataplanes.total === 2);
  const services = world.live.get({ type: 'ServiceInsight', mesh: 'default', name: 'all-services-default' });
  assert.deepEqual(Object.keys((services?.spec as { services?: object } | undefined)?.services ?? {}), ['api', 'web']);
  const revision = world.store.revision();
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(world.store.revision(), revision, 'nothing is written while nothing changes');
  await world.store.write([{ kind: 'delete', key: { type: 'Mesh', mesh: '', name: 'default' } }]);
  await until(() => meshInsight() === undefined);
  await meshes.stop();
});
