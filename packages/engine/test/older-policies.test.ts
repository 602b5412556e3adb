// Policies of an older form (sources, destinations): where they hold, what the newer form does to them, and that what is said in advance is what
// proxies get.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resourceJson } from '@ursa/envoy';
import { builtinPolicies } from '@ursa/policies';
import { dataplane, mesh, meshDocument, smallMesh } from './small-mesh.ts';
import { createWorld, type World } from './world.ts';

const initial = { skipCreatingInitialPolicies: ['*'] };

function permission(name: string, source: string, destination: string): object {
  return {
    type: 'TrafficPermission',
    mesh,
    name,
    sources: [{ match: { 'kuma.io/service': source } }],
    destinations: [{ match: { 'kuma.io/service': destination } }],
  };
}

const newer = {
  type: 'MeshTrafficPermission',
  mesh,
  name: 'newer',
  spec: { targetRef: { kind: 'Mesh' }, from: [{ targetRef: { kind: 'Mesh' }, default: { action: 'Allow' } }] },
};

function openMesh(documents: readonly object[], settings: { readonly autoReachableServices?: boolean } = {}): World {
  const world = createWorld(builtinPolicies, 'default', settings);
  const strict = { ...meshDocument('STRICT'), ...initial };
  for (const document of [strict, ...smallMesh().slice(1), ...documents]) world.apply(document);
  world.settle();
  return world;
}

/** Text of the listener of the one inbound of a proxy. */
function inboundOf(world: World, key: string): string {
  const listeners = [...(world.engine.config.get(key)?.resources.listener.values() ?? [])];
  const inbound = listeners.find(({ name }) => name.startsWith('inbound:10.'));
  assert.ok(inbound, 'the proxy has no inbound');
  return JSON.stringify(resourceJson(inbound));
}

test('an inbound lets in the sources of the most specific permission, and nobody else', () => {
  const world = openMesh([permission('all', '*', '*'), permission('web-to-api', 'web', 'api')]);
  const [api, db] = [world.connect(mesh, 'api-1'), world.connect(mesh, 'db-1')];
  assert.match(inboundOf(world, api), /"policies":\{"web-to-api":.*"exact":"spiffe:\/\/small\/web"/);
  assert.match(inboundOf(world, db), /"policies":\{"all":.*"principals":\[\{"any":true\}\]/);
  world.delete('TrafficPermission', `${mesh}/web-to-api`);
  assert.match(inboundOf(world, api), /"policies":\{"all":/);
  world.delete('TrafficPermission', `${mesh}/all`);
  assert.match(inboundOf(world, api), /envoy\.filters\.http\.rbac.*"rules":\{\}/);
});

test('a permission of the newer form that speaks of an inbound holds there alone', () => {
  const world = openMesh([permission('web-to-api', 'web', 'api'), newer]);
  const inbound = inboundOf(world, world.connect(mesh, 'api-1'));
  assert.match(inbound, /"MeshTrafficPermission"/);
  assert.doesNotMatch(inbound, /web-to-api/);
});

test('explain names the policies of an older kind that mean a request and have no effect on it', () => {
  const selectors = (from: string, to: string) => ({
    sources: [{ match: { 'kuma.io/service': from } }],
    destinations: [{ match: { 'kuma.io/service': to } }],
  });
  const retry = { conf: { http: { numRetries: 5 } } };
  const trace = { selectors: [{ match: { 'kuma.io/service': 'api' } }], conf: {} };
  const world = openMesh([
    newer,
    { type: 'Retry', mesh, name: 'web-api', ...selectors('web', 'api'), ...retry },
    { type: 'Retry', mesh, name: 'db-api', ...selectors('db', 'api'), ...retry },
    { type: 'Retry', mesh, name: 'web-db', ...selectors('web', 'db'), ...retry },
    { type: 'Timeout', mesh, name: 'all', ...selectors('*', '*'), conf: { connectTimeout: '1s' } },
    { type: 'TrafficTrace', mesh, name: 'of-api', ...trace },
    permission('all', '*', '*'),
  ]);
  for (const name of ['web-1', 'api-1', 'api-2']) world.connect(mesh, name);
  const question = { mesh, from: 'web', to: 'api', method: 'GET', path: '/', headers: {} };
  const { problems } = world.engine.explain(question);
  const told = problems.filter(({ code }) => code === 'older-policy');
  assert.deepEqual(
    told.map(({ message, fix }) => [message.split(' ').slice(0, 2).join(' '), fix]),
    [
      ['Retry web-api', 'use MeshRetry'],
      ['Timeout all', 'use MeshTimeout'],
      ['TrafficTrace of-api', 'use MeshTrace'],
    ],
  );
  assert.match(
    told[0]?.message ?? '',
    /selects this request and has no effect: proxies do not follow policies of this kind/,
  );
});

test('what explain says of a client is what the inbound does', () => {
  const world = openMesh([permission('db-to-api', 'db', 'api'), permission('api-to-db', 'api', 'db')]);
  for (const name of ['web-1', 'api-1', 'db-1', 'web-2', 'api-2', 'db-2']) world.connect(mesh, name);
  const ask = (client: string, server: string) =>
    world.engine.explain({ mesh, from: client, to: server, method: 'GET', path: '/', headers: {} });
  const refused = ask('web', 'api');
  assert.equal(refused.verdict, 'denied');
  assert.match(JSON.stringify(refused.problems), /TrafficPermission db-to-api/);
  assert.equal(ask('api', 'db').verdict, 'allowed');
});

test('with reachability by permissions, who is refused by every instance has no way there', () => {
  const world = openMesh([permission('db-to-api', 'db', 'api'), permission('api-to-db', 'api', 'db')], {
    autoReachableServices: true,
  });
  world.apply({ ...dataplane('web', 1), networking: { ...redirected('web') } });
  world.apply({ ...dataplane('api', 1), networking: { ...redirected('api') } });
  world.settle();
  const clusters = (name: string) => [
    ...(world.engine.config.get(world.connect(mesh, name))?.resources.cluster.keys() ?? []),
  ];
  assert.ok(!clusters('web-1').includes('api'));
  assert.ok(clusters('api-1').includes('db'));
});

function redirected(service: string): object {
  const { networking } = dataplane(service, 1) as { readonly networking: object };
  return { ...networking, transparentProxying: { redirectPortInbound: 15006, redirectPortOutbound: 15001 } };
}

const external = (name: string, tags: Readonly<Record<string, string>> = {}) => ({
  type: 'ExternalService',
  mesh,
  name,
  tags: { 'kuma.io/service': 'partner', 'kuma.io/protocol': 'http', ...tags },
  networking: { address: `${name}.example:80` },
});

/** A mesh whose web and api call a partner outside themselves. */
function callingOutside(documents: readonly object[], meshMode: object = meshDocument('STRICT')): World {
  const world = openMesh([]);
  const callers = ['web', 'api'].map((service) => dataplane(service, 1, 'partner'));
  for (const document of [{ ...meshMode, ...initial }, external('one'), ...callers, ...documents])
    world.apply(document);
  world.settle();
  return world;
}

/** Hosts of the servers that a proxy connects to for the partner. */
function serversOf(world: World, name: string): readonly string[] {
  const cluster = world.engine.config.get(world.connect(mesh, name))?.resources.cluster.get('partner');
  assert.ok(cluster, 'there is no cluster');
  return [...new Set(JSON.stringify(resourceJson(cluster)).match(/(one|two)\.example/g) ?? [])];
}

test('a proxy gets the servers of an ExternalService that the most specific permission gives it', () => {
  const world = callingOutside([permission('all', '*', '*'), permission('web-to-partner', 'web', 'partner')]);
  assert.deepEqual(serversOf(world, 'web-1'), ['one.example']);
  assert.deepEqual(serversOf(world, 'api-1'), []);
  world.delete('TrafficPermission', `${mesh}/web-to-partner`);
  assert.deepEqual(serversOf(world, 'api-1'), ['one.example']);
  world.apply(permission('all', 'web', '*'));
  assert.deepEqual(serversOf(world, 'api-1'), []);
  world.apply(permission('all', 'web', 'db'));
  assert.deepEqual(serversOf(world, 'web-1'), [], 'no permission selects it');
});

test('of several ExternalServices of a name each is permitted on its own', () => {
  const toOne = {
    ...permission('two', 'web', 'partner'),
    destinations: [{ match: { 'kuma.io/service': 'partner', version: '2' } }],
  };
  const world = callingOutside([external('two', { version: '2' }), permission('all', 'api', '*'), toOne]);
  assert.deepEqual(serversOf(world, 'web-1'), ['two.example']);
  assert.deepEqual(serversOf(world, 'api-1'), ['one.example']);
});

test('without mTLS, or with permissions of the newer form alone, ExternalServices are open as before', () => {
  assert.deepEqual(serversOf(callingOutside([permission('web-only', 'web', '*')], meshDocument()), 'api-1'), [
    'one.example',
  ]);
  assert.deepEqual(serversOf(callingOutside([]), 'api-1'), ['one.example']);
  assert.deepEqual(serversOf(callingOutside([newer]), 'api-1'), ['one.example']);
  const both = callingOutside([newer, permission('web-only', 'web', '*')]);
  assert.deepEqual(serversOf(both, 'api-1'), [], 'the newer form says nothing of calls that go out directly');
});

test('permissions give nothing to derive anew to meshes without them', () => {
  const world = callingOutside([newer]);
  const [web, api] = ['web-1', 'api-1'].map((name) => world.engine.config.get(world.connect(mesh, name)));
  assert.equal(web?.resources.cluster.get('partner'), api?.resources.cluster.get('partner'));
});

test('explain and lint say why a call outside has no server', () => {
  const world = callingOutside([permission('web-to-partner', 'web', 'partner')]);
  for (const name of ['web-1', 'api-1']) world.connect(mesh, name);
  const ask = (from: string) =>
    world.engine.explain({ mesh, from, to: 'partner', method: 'GET', path: '/', headers: {} });
  const closed = () =>
    world.engine
      .findings(mesh)
      .filter(({ code, resource }) => code === 'permission-missing' && resource?.name === 'one');
  assert.equal(ask('web').verdict, 'allowed', ask('web').summary);
  const refused = ask('api');
  assert.equal(refused.verdict, 'denied');
  assert.match(
    refused.summary,
    /api-1 is not among the sources of TrafficPermission web-to-partner, so its proxy has no server/,
  );
  assert.deepEqual(
    refused.problems.map(({ code }) => code),
    ['refused'],
  );
  assert.deepEqual(closed(), []);
  world.apply(permission('web-to-partner', 'web', 'api'));
  assert.match(ask('web').summary, /no TrafficPermission selects partner, and the mesh small has others/);
  assert.match(closed()[0]?.message ?? '', /ExternalService one: no TrafficPermission selects it, and mTLS is on/);
  world.apply(permission('web-to-partner', 'nobody', 'partner'));
  assert.match(closed()[0]?.message ?? '', /no proxy is among the sources of TrafficPermission web-to-partner/);
});
