// Routes: where traffic goes, who is told of it, and what happens when a backend is not there.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resourceJson } from '@ursa/envoy';
import { logPushes } from './push-log.ts';
import { mesh, smallMesh } from './small-mesh.ts';
import { createWorld, type World } from './world.ts';

interface Backend {
  readonly name: string;
  readonly weight?: number;
  readonly kind?: string;
  readonly tags?: Readonly<Record<string, string>>;
}

function httpRoute(path: string, ...backends: readonly Backend[]): object {
  const backendRefs = backends.map((backend) => ({ kind: 'MeshService', ...backend }));
  const rules = [{ matches: [{ path: { type: 'PathPrefix', value: path } }], default: { backendRefs } }];
  const to = [{ targetRef: { kind: 'MeshService', name: 'api' }, rules }];
  return { type: 'MeshHTTPRoute', mesh, name: 'route', spec: { to } };
}

function openWorld(...documents: readonly object[]): { readonly world: World; readonly web: string } {
  const world = createWorld();
  for (const document of [...smallMesh(), ...documents]) world.apply(document);
  world.settle();
  return { world, web: world.connect(mesh, 'web-1', { features: [] }) };
}

function clustersOf({ world, web }: ReturnType<typeof openWorld>): string[] {
  const names = [...(world.engine.config.get(web)?.resources.endpoint.keys() ?? [])];
  return names.sort();
}

function listenerText({ world, web }: ReturnType<typeof openWorld>): string {
  const resources = world.engine.config.get(web)?.resources.listener ?? new Map();
  return JSON.stringify(
    [...resources].filter(([name]) => name.startsWith('outbound:')).map(([, item]) => resourceJson(item)),
  );
}

test('a proxy gets the clusters that its routes lead to, and no others', () => {
  assert.deepEqual(clustersOf(openWorld()), ['api']);
  assert.deepEqual(clustersOf(openWorld(httpRoute('/', { name: 'db' }))), ['db']);
  assert.deepEqual(clustersOf(openWorld(httpRoute('/reports', { name: 'db' }))), ['api', 'db']);
});

test('a backend with weight zero gets nothing', () => {
  const opened = openWorld(httpRoute('/', { name: 'db', weight: 0 }, { name: 'api', weight: 1 }));
  assert.deepEqual(clustersOf(opened), ['api']);
  assert.doesNotMatch(listenerText(opened), /weightedClusters/);
});

test('instances with a tag are a cluster of their own', () => {
  const subset = { kind: 'MeshServiceSubset', name: 'db', tags: { version: 'v1' } };
  const opened = openWorld(httpRoute('/', subset));
  const [name = ''] = clustersOf(opened);
  assert.match(name, /^db-[0-9a-f]{16}$/);
  const endpoints = opened.world.engine.config.get(opened.web)?.resources.endpoint.get(name);
  assert.equal(JSON.stringify(endpoints && resourceJson(endpoints)).match(/"address":"10/g)?.length, 1);
});

test('a rule whose backends are not there does not apply, and its proxies carry a warning', () => {
  const unknown = { name: 'nobody', port: 80 };
  const opened = openWorld(httpRoute('/reports', unknown));
  assert.deepEqual(clustersOf(opened), ['api']);
  assert.doesNotMatch(listenerText(opened), /reports/);
  assert.deepEqual(opened.world.engine.config.get(opened.web)?.warnings, [
    {
      message:
        'MeshHTTPRoute route: there is no MeshService nobody with port 80, so it gets no traffic: correct backendRefs',
    },
  ]);
});

test('who only is routed to a service is told of its instances, and of nothing else', () => {
  const world = createWorld();
  for (const document of [...smallMesh(), httpRoute('/', { name: 'db' })]) world.apply(document);
  world.settle();
  const log = logPushes(world, mesh, ['web-1', 'api-1'], []);
  world.delete('Dataplane', `${mesh}/db-2`);
  assert.deepEqual(log.take(), ['api-1 + endpoint db', 'web-1 + endpoint db']);
  world.delete('Dataplane', `${mesh}/api-2`);
  assert.deepEqual(log.take(), []);
});

test('copies of requests go to the port of the service that is named, whatever the tags of its instances', () => {
  const service = {
    type: 'MeshService',
    mesh,
    name: 'shadow',
    spec: { selector: { dataplaneTags: { 'kuma.io/service': 'db' } }, ports: [{ port: 80, targetPort: 8080 }] },
  };
  const copied = (backendRef: object): object => {
    const filters = [{ type: 'RequestMirror', requestMirror: { backendRef: { kind: 'MeshService', ...backendRef } } }];
    const rules = [{ matches: [{ path: { type: 'PathPrefix', value: '/' } }], default: { filters } }];
    const to = [{ targetRef: { kind: 'MeshService', name: 'api' }, rules }];
    return { type: 'MeshHTTPRoute', mesh, name: 'route', spec: { to } };
  };
  const opened = openWorld(service, copied({ name: 'shadow', port: 80 }));
  assert.deepEqual(clustersOf(opened), ['api', 'small_shadow__default_msvc_80']);
  // A service that is known by its tag alone has no ports.
  assert.deepEqual(clustersOf(openWorld(copied({ name: 'db', port: 8080 }))), ['api', 'db']);
  const lost = openWorld(copied({ name: 'nobody', port: 80 }));
  assert.deepEqual(clustersOf(lost), ['api']);
  assert.deepEqual(lost.world.engine.config.get(lost.web)?.warnings, [
    {
      message:
        'MeshHTTPRoute route: there is no MeshService nobody with port 80, so it gets no copies: correct requestMirror.backendRef',
    },
  ]);
});

test('a rule whose backends all have weight zero does not apply, and its proxies carry a warning', () => {
  const opened = openWorld(httpRoute('/reports', { name: 'db', weight: 0 }));
  assert.deepEqual(clustersOf(opened), ['api']);
  const [warning] = opened.world.engine.config.get(opened.web)?.warnings ?? [];
  assert.match(
    warning?.message ?? '',
    /^MeshHTTPRoute route: a rule whose backendRefs all have weight 0 does not apply/,
  );
});
