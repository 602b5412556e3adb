// Stories of reachability that follows from permissions: who gets an outbound, who does not, and whom a change concerns.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { builtinPolicies } from '@ursa/policies';
import type { Question } from '../src/index.ts';
import { logPushes, type PushLog } from './push-log.ts';
import { createWorld, type World } from './world.ts';

const mesh = 'default';
const services = ['web', 'api', 'db'];
const redirected = { redirectPortInbound: 15006, redirectPortOutbound: 15001 };

function meshDocument(fields: object = {}): object {
  const mtls = { enabledBackend: 'ca', backends: [{ name: 'ca', type: 'builtin' }] };
  return { type: 'Mesh', name: mesh, skipCreatingInitialPolicies: ['*'], mtls, ...fields };
}

function dataplane(service: string, transparentProxying: object = {}): object {
  return {
    type: 'Dataplane',
    mesh,
    name: `${service}-1`,
    networking: {
      address: `10.0.0.${service.length}`,
      inbound: [{ port: 8080, tags: { 'kuma.io/service': service, 'kuma.io/protocol': 'http' } }],
      transparentProxying: { ...redirected, ...transparentProxying },
    },
  };
}

function permission(to: string, ...clients: string[]): object {
  const from = clients.map((client) => ({
    targetRef: { kind: 'MeshSubset', tags: { 'kuma.io/service': client } },
    default: { action: 'Allow' },
  }));
  const targetRef = { kind: 'MeshSubset', tags: { 'kuma.io/service': to } };
  return { type: 'MeshTrafficPermission', mesh, name: `to-${to}`, spec: { targetRef, from } };
}

function openWorld(documents: readonly object[]): World {
  const world = createWorld(builtinPolicies, 'default', { autoReachableServices: true });
  for (const document of documents) world.apply(document);
  world.settle();
  return world;
}

const connectedProxies = services.map((service) => `${service}-1`);

function openStory(...documents: object[]): { readonly world: World; readonly log: PushLog } {
  const world = openWorld([meshDocument(), ...services.map((service) => dataplane(service)), ...documents]);
  return { world, log: logPushes(world, mesh, connectedProxies) };
}

/** Services that a proxy has a cluster for. */
function reached(world: World, service: string): readonly string[] {
  const clusters = world.engine.config.get(world.connect(mesh, `${service}-1`))?.resources.cluster;
  assert.ok(clusters, `${service}-1 has no configuration`);
  return [...clusters.keys()].filter((name) => [...services, 'cache', 'shop'].includes(name)).sort();
}

function question(from: string, to: string): Question {
  return { mesh, from, to, method: 'GET', path: '/', headers: {} };
}

test('who is let in has an outbound, and nobody else', () => {
  const { world } = openStory(permission('api', 'web'), permission('db', 'api', 'db'));
  assert.deepEqual(
    services.map((service) => reached(world, service)),
    [['api'], ['db'], ['db']],
  );
});

test('a permission that is given, changed or taken is sent to the clients concerned, and computed for no one else', () => {
  const { world, log } = openStory(permission('api', 'web'), permission('db', 'api'));
  const configs = () => world.graph.stats().recomputed.config ?? 0;
  const before = configs();
  world.apply(permission('db', 'api', 'web'));
  const pushed = log.take();
  assert.deepEqual(
    pushed.filter((line) => !line.startsWith('web-1 ')),
    ['db-1 + listener inbound:10.0.0.2:8080'],
  );
  const ofWeb = pushed.filter((line) => line.startsWith('web-1 '));
  assert.ok(ofWeb.includes('web-1 + cluster db'), ofWeb.join('\n'));
  assert.ok(ofWeb.includes('web-1 + endpoint db'), ofWeb.join('\n'));
  assert.equal(configs() - before, 2);
  world.delete('MeshTrafficPermission', `${mesh}/to-db`);
  const taken = log.take();
  assert.ok(taken.includes('web-1 - cluster db') && taken.includes('api-1 - cluster db'), taken.join('\n'));
  // An entry that changes nothing for a client.
  world.apply(permission('api', 'web', 'nobody'));
  assert.deepEqual(log.take(), ['api-1 + listener inbound:10.0.0.3:8080']);
});

test('instances of a service that come and go, and its other policies, touch no outbound of a client', () => {
  const { world, log } = openStory(permission('api', 'web'));
  world.apply({ ...dataplane('api'), name: 'api-2' });
  assert.deepEqual(log.take(), ['web-1 + endpoint api']);
  const runs = () => world.graph.stats().recomputed['permitted outbounds'] ?? 0;
  const before = runs();
  const spec = {
    targetRef: { kind: 'MeshSubset', tags: { 'kuma.io/service': 'api' } },
    from: [{ targetRef: { kind: 'Mesh' }, default: { idleTimeout: '7s' } }],
  };
  world.apply({ type: 'MeshTimeout', mesh, name: 'slow-api', spec });
  assert.deepEqual(
    log.take().filter((line) => !line.startsWith('api-1 ')),
    [],
  );
  assert.equal(runs(), before);
});

test('a service whose last instance is away stays with its clients, so that its name goes on leading to it', () => {
  const { world, log } = openStory(permission('api', 'web'));
  world.delete('Dataplane', `${mesh}/api-1`);
  const ofWeb = log.take().filter((line) => line.startsWith('web-1 '));
  assert.deepEqual(
    ofWeb.filter((line) => line.includes(' - ')),
    [],
  );
  assert.ok(reached(world, 'web').includes('api'));
});

test('what a Dataplane lists, it gets whatever permissions say; of the other kind only what lets it in', () => {
  const { world } = openStory(permission('api', 'web'));
  world.apply(dataplane('web', { reachableServices: ['db'] }));
  assert.deepEqual(reached(world, 'web'), ['db']);
  world.apply(dataplane('web', { reachableBackends: { refs: [{ kind: 'MeshService', name: 'db' }] } }));
  assert.deepEqual(reached(world, 'web'), ['api']);
  const plain = {
    ...dataplane('web'),
    networking: {
      address: '10.0.0.9',
      inbound: [{ port: 1, tags: { 'kuma.io/service': 'web' } }],
      outbound: [{ port: 10001, tags: { 'kuma.io/service': 'db' } }],
    },
  };
  world.apply(plain);
  const features = ['feature-reuse-port'];
  const clusters = world.engine.config.get(world.connect(mesh, 'web-1', { features }))?.resources.cluster;
  assert.ok(clusters?.has('db'));
});

test('MeshServices follow permissions by the identities of their clients, ports one by one', () => {
  const twoPorts = {
    ...dataplane('shop'),
    networking: {
      address: '10.0.0.9',
      inbound: [8080, 9090].map((port) => ({ port, name: `p${port}`, tags: { 'kuma.io/service': 'shop' } })),
    },
  };
  const toOnePort = {
    type: 'MeshTrafficPermission',
    mesh,
    name: 'to-shop',
    spec: {
      targetRef: { kind: 'Dataplane', name: 'shop-1', sectionName: 'p9090' },
      rules: [{ default: { allow: [{ spiffeID: { type: 'Exact', value: `spiffe://${mesh}/web` } }] } }],
    },
  };
  const world = openWorld([
    meshDocument({ meshServices: { mode: 'Exclusive' } }),
    dataplane('web'),
    twoPorts,
    toOnePort,
  ]);
  const config = world.engine.config.get(world.connect(mesh, 'web-1'));
  const called = [...(config?.resources.cluster.keys() ?? [])].filter((name) => name.includes('shop'));
  assert.deepEqual(called, ['default_shop__default_msvc_9090']);
});

test('without mTLS, and where calls come in plain text still, nobody is turned away and everything is reached', () => {
  const plain = openWorld([meshDocument({ mtls: {} }), ...services.map((service) => dataplane(service))]);
  assert.deepEqual(reached(plain, 'web'), services.toSorted());
  const backends = [{ name: 'ca', type: 'builtin', mode: 'PERMISSIVE' }];
  const moving = openWorld([
    meshDocument({ mtls: { enabledBackend: 'ca', backends } }),
    ...services.map((service) => dataplane(service)),
  ]);
  // The other proxies have no certificate yet, so that they are called in plain text.
  assert.deepEqual(reached(moving, 'web'), ['api', 'db']);
  moving.connect(mesh, 'api-1');
  assert.deepEqual(reached(moving, 'web'), ['db']);
});

test('what-if says which outbounds a permission would take', () => {
  const { world } = openStory(permission('api', 'web'));
  const engine = world.engine as ReturnType<typeof createWorld>['engine'] & {
    whatIf(drafts: ReadonlyMap<string, ReadonlyMap<string, undefined>>): typeof world.engine;
  };
  const without = engine.whatIf(new Map([['MeshTrafficPermission', new Map([[`${mesh}/to-api`, undefined]])]]));
  assert.equal(without.config.get(`${mesh}/web-1`)?.resources.cluster.has('api'), false);
  assert.equal(world.engine.config.get(`${mesh}/web-1`)?.resources.cluster.has('api'), true);
});

test('explain names the missing permission as the reason why there is no outbound', () => {
  const { world } = openStory(permission('api', 'web'));
  const { verdict, steps, problems, summary } = world.engine.explain(question('web', 'db'));
  assert.equal(verdict, 'denied');
  assert.match(summary, /spiffe:\/\/default\/web is refused: no MeshTrafficPermission selects db-1/);
  assert.deepEqual(
    steps.map(({ at }) => at),
    ['client', 'outbound', 'inbound', 'permission'],
  );
  assert.deepEqual(
    problems.map(({ code }) => code),
    ['not-reachable', 'not-permitted'],
  );
  assert.match(problems[0]?.message ?? '', /web-1 has no outbound to db, because nothing behind db lets it in/);
  assert.equal(world.engine.explain(question('web', 'api')).verdict, 'allowed');
});

test('lint notes who is let in nowhere', () => {
  const { world } = openStory(permission('api', 'web'), permission('db', 'api'));
  const found = world.engine.findings(mesh).filter(({ code }) => code === 'reaches-nothing');
  assert.deepEqual(
    found.map(({ resource }) => resource?.name),
    ['db-1'],
  );
});
