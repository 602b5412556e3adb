// The rules between resources, and what a mesh brings with it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createGraph } from '@ursa/collections';
import { builtinPolicies, policyResourceTypes } from '@ursa/policies';
import {
  coreResourceTypes,
  createResourceTypes,
  type DataplaneSpec,
  MeshError,
  type ResourceDraft,
} from '@ursa/resources';
import { initialPolicies } from '../../src/store/initial-policies.ts';
import { openLiveResources } from '../../src/store/live-resources.ts';
import { openMemoryStore } from '../../src/store/memory-store.ts';
import { openResourceManager } from '../../src/store/resource-manager.ts';
import { clusterIdOf, createStartupResources } from '../../src/store/startup-resources.ts';

const types = createResourceTypes([...coreResourceTypes, ...policyResourceTypes]);
const zone = { mode: 'zone', zone: 'east', environment: 'universal', federated: false } as const;

function open({ unsafeDelete = false } = {}) {
  const store = openMemoryStore();
  const live = openLiveResources(createGraph(), store);
  const manager = openResourceManager({
    store,
    types,
    labels: zone,
    unsafeDelete,
    companions: [
      ({ mesh, before }) => {
        const { skipCreatingInitialPolicies: skipped = [] } = mesh.spec as { skipCreatingInitialPolicies?: string[] };
        return before === undefined ? initialPolicies(builtinPolicies, mesh.name, { skipped, routing: false }) : [];
      },
    ],
  });
  return { store, live, manager };
}

const mesh = (name: string, spec: object = {}): ResourceDraft => ({ type: 'Mesh', mesh: '', name, labels: {}, spec });
const timeout = (name: string, inMesh = 'm'): ResourceDraft => ({
  type: 'MeshTimeout',
  mesh: inMesh,
  name,
  labels: {},
  spec: { to: [{ targetRef: { kind: 'Mesh' }, default: { idleTimeout: '5s' } }] },
});
const dataplane = (name: string, tags: Record<string, string>, inMesh = 'm'): ResourceDraft => ({
  type: 'Dataplane',
  mesh: inMesh,
  name,
  labels: {},
  spec: { networking: { address: '10.0.0.1', inbound: [{ port: 80, tags }] } },
});
const secret = (name: string): ResourceDraft => ({
  type: 'Secret',
  mesh: 'm',
  name,
  labels: {},
  spec: { data: 'eA==' },
});

const refused = (code: string, field?: string) => (error: unknown) =>
  error instanceof MeshError && error.code === code && (field === undefined || error.violations[0]?.field === field);

test('a resource of a mesh that does not exist is refused', async () => {
  const { manager, store } = open();
  await assert.rejects(manager.put(timeout('a')), refused('not-found'));
  assert.equal(store.revision(), 0);
});

test('a new mesh has its four policies at the same revision', async () => {
  const { manager, live } = open();
  const revisions: number[] = [];
  live.onApplied((revision) => revisions.push(revision));
  const { created, revision } = await manager.put(mesh('m'));
  assert.equal(created, true);
  assert.deepEqual(revisions, [revision]);
  const policies = ['MeshTimeout', 'MeshCircuitBreaker', 'MeshRetry'].flatMap((type) => live.list(type, 'm'));
  assert.deepEqual(
    policies.map(({ name }) => name),
    ['mesh-gateways-timeout-all-m', 'mesh-timeout-all-m', 'mesh-circuit-breaker-all-m', 'mesh-retry-all-m'],
  );
  assert.deepEqual(policies[0]?.labels, {
    'kuma.io/mesh': 'm',
    'kuma.io/origin': 'zone',
    'kuma.io/zone': 'east',
    'kuma.io/env': 'universal',
  });
});

test('a mesh may start without some of its policies, or without all', async () => {
  const { manager, live } = open();
  await manager.put(mesh('some', { skipCreatingInitialPolicies: ['MeshTimeout', 'MeshRetry'] }));
  await manager.put(mesh('none', { skipCreatingInitialPolicies: ['*'] }));
  assert.deepEqual(live.list('MeshTimeout'), []);
  assert.equal(live.list('MeshCircuitBreaker', 'some').length, 1);
  assert.equal(live.list('MeshCircuitBreaker', 'none').length, 0);
});

test('older routing resources come with a mesh only when they are asked for', () => {
  const types = (routing: boolean) =>
    initialPolicies(builtinPolicies, 'm', { skipped: [], routing }).map(({ type, name }) => `${type}/${name}`);
  assert.equal(types(false).length, 4);
  assert.deepEqual(types(true).slice(4), ['TrafficPermission/allow-all-m', 'TrafficRoute/route-all-m']);
});

test('updating a mesh does not bring back a policy that was deleted', async () => {
  const { manager, live } = open();
  await manager.put(mesh('m'));
  await manager.delete({ type: 'MeshRetry', mesh: 'm', name: 'mesh-retry-all-m' });
  const { created } = await manager.put(mesh('m', { routing: { zoneEgress: true } }));
  assert.equal(created, false);
  assert.deepEqual(live.list('MeshRetry'), []);
});

test('a mesh with Dataplanes cannot be deleted, unless deleting is unsafe', async () => {
  const { manager, live } = open();
  await manager.putAll([mesh('m'), dataplane('d', { 'kuma.io/service': 'web' })]);
  await assert.rejects(manager.delete({ type: 'Mesh', mesh: '', name: 'm' }), refused('invalid', 'mesh'));
  assert.equal(live.list('Dataplane').length, 1);
  const unsafe = open({ unsafeDelete: true });
  await unsafe.manager.putAll([mesh('m'), dataplane('d', { 'kuma.io/service': 'web' })]);
  await unsafe.manager.delete({ type: 'Mesh', mesh: '', name: 'm' });
  assert.deepEqual(unsafe.live.list('Dataplane'), []);
});

test('a deleted mesh takes everything of it along, and nothing of another mesh', async () => {
  const { manager, live, store } = open();
  await manager.put(mesh('m'));
  await manager.put(mesh('other'));
  await manager.put(secret('s'));
  const before = store.revision();
  await manager.delete({ type: 'Mesh', mesh: '', name: 'm' });
  assert.equal(store.revision(), before + 6);
  assert.deepEqual(live.list('Secret'), []);
  assert.equal(live.list('MeshTimeout', 'm').length, 0);
  assert.equal(live.list('MeshTimeout', 'other').length, 2);
});

test('no resource outlives its mesh, however writes and the deletion interleave', async () => {
  const { manager, live } = open();
  await manager.put(mesh('m'));
  const outcomes = await Promise.allSettled([
    manager.put(timeout('before')),
    manager.delete({ type: 'Mesh', mesh: '', name: 'm' }),
    manager.put(timeout('after')),
  ]);
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['fulfilled', 'fulfilled', 'rejected'],
  );
  assert.deepEqual(live.list('MeshTimeout'), []);
});

test('a mesh lets in only Dataplanes with the tags it asks for, and only asks at their creation', async () => {
  const { manager } = open();
  const constraints = (requirements: object[], restrictions: object[]) => ({
    constraints: { dataplaneProxy: { requirements, restrictions } },
  });
  await manager.put(
    mesh('m', constraints([{ tags: { 'kuma.io/service': '*' } }], [{ tags: { 'kuma.io/service': 'redis' } }])),
  );
  await manager.put(dataplane('web', { 'kuma.io/service': 'web' }));
  await assert.rejects(
    manager.put(dataplane('redis', { 'kuma.io/service': 'redis' })),
    refused('invalid', 'networking.inbound[0].tags'),
  );
  await assert.rejects(
    manager.put(dataplane('none', { version: '1' })),
    refused('invalid', 'networking.inbound[0].tags'),
  );
  await manager.put(mesh('m', constraints([{ tags: { team: 'a' } }], [])));
  await manager.put(dataplane('web', { 'kuma.io/service': 'web', version: '2' }));
  await assert.rejects(manager.put(dataplane('more', { 'kuma.io/service': 'web' })), refused('invalid'));
});

test('the zone is put on every tag set of a Dataplane, whatever it claimed', async () => {
  const { manager, live } = open();
  await manager.putAll([mesh('m'), dataplane('d', { 'kuma.io/service': 'web', 'kuma.io/zone': 'west' })]);
  const spec = live.get({ type: 'Dataplane', mesh: 'm', name: 'd' })?.spec as DataplaneSpec;
  assert.equal(spec.networking?.inbound?.[0]?.tags?.['kuma.io/zone'], 'east');
});

test('a Secret that holds an authority in use cannot be deleted', async () => {
  const { manager } = open();
  const conf = { cert: { secret: 'cert' }, key: { secret: 'key' } };
  await manager.put(
    mesh('m', {
      mtls: {
        enabledBackend: 'a',
        backends: [
          { name: 'a', type: 'builtin' },
          { name: 'b', type: 'provided', conf },
        ],
      },
    }),
  );
  for (const name of ['m.ca-builtin-cert-a', 'm.ca-builtin-key-a', 'cert', 'key']) {
    await manager.put(secret(name));
    await assert.rejects(manager.delete({ type: 'Secret', mesh: 'm', name }), refused('invalid', 'name'));
  }
  await manager.put(secret('free'));
  await manager.delete({ type: 'Secret', mesh: 'm', name: 'free' });
});

test('a Secret that a MeshIdentity issues with cannot be deleted, and the refusal names mesh and identity', async () => {
  const { manager } = open();
  await manager.putAll([mesh('m'), secret('ca-key'), secret('free')]);
  const source = (name: string) => ({ type: 'Secret', secretRef: { kind: 'Secret', name } });
  const ca = { certificate: source('ca-cert'), privateKey: source('ca-key') };
  const spec = { provider: { type: 'Bundled', bundled: { ca } } };
  await manager.put({ type: 'MeshIdentity', mesh: 'm', name: 'identity', labels: {}, spec });
  const deletion = manager.delete({ type: 'Secret', mesh: 'm', name: 'ca-key' });
  await assert.rejects(deletion, /"ca-key" is in use in Mesh "m" by MeshIdentity "identity"/);
  await manager.delete({ type: 'Secret', mesh: 'm', name: 'free' });
  await manager.delete({ type: 'MeshIdentity', mesh: 'm', name: 'identity' });
  await manager.delete({ type: 'Secret', mesh: 'm', name: 'ca-key' });
});

test('another authority can be enabled only while the old one is still trusted', async () => {
  const { manager } = open();
  const mtls = (enabledBackend: string, ...names: string[]) => ({
    mtls: { enabledBackend, backends: names.map((name) => ({ name, type: 'builtin' })) },
  });
  await manager.put(mesh('m', mtls('a', 'a')));
  await assert.rejects(manager.put(mesh('m', mtls('b', 'b'))), refused('invalid', 'mtls.enabledBackend'));
  await manager.put(mesh('m', mtls('b', 'a', 'b')));
  await manager.put(mesh('m', mtls('b', 'b')));
  await manager.put(mesh('m'));
  await manager.put(mesh('m', mtls('c', 'c')));
});

test('origin and zone of a resource do not change', async () => {
  const { manager } = open();
  await manager.put(mesh('m'));
  await manager.put(timeout('a'));
  await assert.rejects(
    manager.put({ ...timeout('a'), labels: { 'kuma.io/origin': 'global' } }),
    refused('invalid', 'labels["kuma.io/origin"]'),
  );
});

test('a put without a status keeps the stored one', async () => {
  const { manager } = open();
  const service: ResourceDraft = { type: 'MeshService', mesh: 'm', name: 's', labels: {}, spec: { ports: [] } };
  await manager.putAll([mesh('m'), { ...service, status: { vips: [{ ip: '241.0.0.1' }] } }]);
  const { resource } = await manager.put({ ...service, spec: { ports: [{ port: 80 }] } });
  assert.deepEqual(resource.status, { vips: [{ ip: '241.0.0.1' }] });
});

test('a check finds what a put would find and writes nothing', async () => {
  const { manager, store } = open();
  await assert.rejects(manager.check(timeout('a')), refused('not-found'));
  await manager.put(mesh('m'));
  const before = store.revision();
  await manager.check(timeout('a'));
  assert.equal(store.revision(), before);
});

test('a type that is not registered is refused', async () => {
  const { manager } = open();
  await assert.rejects(manager.put({ ...timeout('a'), type: 'MeshTimeouts' }), refused('invalid'));
});

const startupOptions = {
  zone: 'east',
  environment: 'universal',
  skipMesh: false,
  skipTenant: false,
  skipHostnameGenerators: false,
} as const;

test('a start makes the default mesh, the zone, host name generators and the id of the cluster', async () => {
  const parts = open();
  await createStartupResources(parts, startupOptions);
  assert.deepEqual(
    ['Mesh', 'Zone', 'HostnameGenerator'].flatMap((type) => parts.live.list(type).map(({ name }) => name)),
    ['default', 'east', 'local-mesh-external-service', 'local-universal-mesh-service'],
  );
  assert.match(clusterIdOf(parts.live), /^[0-9a-f-]{36}$/);
});

test('a second start changes nothing, not even what users have changed', async () => {
  const parts = open();
  await createStartupResources(parts, startupOptions);
  await parts.manager.put(mesh('default', { routing: { zoneEgress: true } }));
  const before = parts.store.revision();
  await createStartupResources(parts, startupOptions);
  assert.equal(parts.store.revision(), before);
});

test('each kind of default resource can be left out', async () => {
  const none = open();
  await createStartupResources(none, { ...startupOptions, skipTenant: true });
  assert.deepEqual([none.live.list('Mesh'), none.live.list('HostnameGenerator')], [[], []]);
  const some = open();
  await createStartupResources(some, { ...startupOptions, skipMesh: true, skipHostnameGenerators: true });
  assert.deepEqual([some.live.list('Mesh'), some.live.list('HostnameGenerator')], [[], []]);
  assert.equal(some.live.list('Zone').length, 1);
});

test('a zone with a new name leaves no Zone of the old name', async () => {
  const parts = open();
  await createStartupResources(parts, { ...startupOptions, zone: 'old' });
  await createStartupResources(parts, { ...startupOptions, zone: 'new' });
  assert.deepEqual(
    parts.live.list('Zone').map(({ name }) => name),
    ['new'],
  );
});
