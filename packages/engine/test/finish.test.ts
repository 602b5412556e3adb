// The last stage rewrites what a policy asks for and nothing else: all other resources stay the same objects, and what is rewritten is shared.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { builtinPolicies } from '@ursa/policies';
import { mesh, smallMesh } from './small-mesh.ts';
import { createWorld } from './world.ts';

const proxyPatch = (targetRef: object, ...appendModifications: object[]) => ({
  type: 'MeshProxyPatch',
  mesh,
  name: 'patch',
  spec: { targetRef, default: { appendModifications } },
});
const slowConnect = { cluster: { operation: 'Patch', match: { origin: 'outbound' }, value: 'connectTimeout: 42s' } };
const remove = (name: string) => ({ cluster: { operation: 'Remove', match: { name } } });

function openWorld() {
  const world = createWorld(builtinPolicies);
  for (const document of smallMesh()) world.apply(document);
  const proxies = ['web-1', 'web-2'].map((name) => world.connect(mesh, name, { features: ['feature-reuse-port'] }));
  const resourcesOf = (key = proxies[0] ?? '') => world.engine.config.get(key)?.resources;
  return { world, proxies, resourcesOf };
}

test('only what a modification matches is encoded again; the rest stays the same object', () => {
  const { world, proxies, resourcesOf } = openWorld();
  const [web = '', other = ''] = proxies;
  const before = resourcesOf(web);
  const untouched = resourcesOf(other);
  world.apply(proxyPatch({ kind: 'Dataplane', name: 'web-1' }, slowConnect));
  const after = resourcesOf(web);
  assert.equal(resourcesOf(other), untouched, 'a proxy without the policy keeps its resources');
  assert.equal(after?.listener, before?.listener, 'types of which nothing matches keep their identity');
  const changed = [...(after?.cluster ?? [])].filter(([name, cluster]) => before?.cluster.get(name) !== cluster);
  assert.ok(changed.length > 0);
  assert.ok(changed.every(([, { origin }]) => origin === 'outbound'));
  const outbound = [...(after?.cluster.values() ?? [])].filter(({ origin }) => origin === 'outbound');
  assert.equal(changed.length, outbound.length);
});

test('what a modification looked into and left as it was stays the same object', () => {
  const { world, resourcesOf } = openWorld();
  const before = [...(resourcesOf()?.cluster ?? [])];
  const jsonPatches = [{ op: 'add', path: '/transportSocket/typedConfig/commonTlsContext', value: {} }];
  world.apply(proxyPatch({ kind: 'Mesh' }, { cluster: { operation: 'Patch', jsonPatches } }));
  const after = resourcesOf()?.cluster;
  assert.ok(before.length > 0);
  for (const [name, cluster] of before) assert.equal(after?.get(name), cluster, name);
});

test('proxies share what is rewritten, and get their old resources back with the policy gone', () => {
  const { world, proxies, resourcesOf } = openWorld();
  const [web = '', other = ''] = proxies;
  const before = resourcesOf(web);
  world.apply(proxyPatch({ kind: 'Mesh' }, slowConnect));
  const shared = [...(resourcesOf(web)?.cluster ?? [])].filter(([, { origin }]) => origin === 'outbound');
  assert.ok(shared.length > 0);
  for (const [name, cluster] of shared) assert.equal(resourcesOf(other)?.cluster.get(name), cluster);
  world.delete('MeshProxyPatch', `${mesh}/patch`);
  assert.deepEqual([...(resourcesOf(web)?.cluster ?? [])], [...(before?.cluster ?? [])]);
});

test('modifications run in their order: what was added can be patched and removed again', () => {
  const { world, resourcesOf } = openWorld();
  const add = { cluster: { operation: 'Add', value: 'name: extra\nconnectTimeout: 1s' } };
  const patch = {
    cluster: { operation: 'Patch', match: { name: 'extra', origin: 'mesh-proxy-patch' }, value: 'connectTimeout: 2s' },
  };
  world.apply(proxyPatch({ kind: 'Mesh' }, add, patch));
  assert.equal(resourcesOf()?.cluster.get('extra')?.origin, 'mesh-proxy-patch');
  world.apply(proxyPatch({ kind: 'Mesh' }, add, patch, remove('extra')));
  assert.equal(resourcesOf()?.cluster.has('extra'), false);
  world.apply(proxyPatch({ kind: 'Mesh' }, remove('extra'), add));
  assert.equal(resourcesOf()?.cluster.has('extra'), true);
});

test('a modification that cannot be applied is a warning, and the others are applied', () => {
  const { world, proxies, resourcesOf } = openWorld();
  const broken = {
    networkFilter: {
      operation: 'Patch',
      match: { name: 'envoy.filters.network.http_connection_manager', origin: 'inbound' },
      value: 'typedConfig: { "@type": type.googleapis.com/envoy.extensions.filters.network.echo.v3.Echo }',
    },
  };
  const before = resourcesOf();
  world.apply(proxyPatch({ kind: 'Mesh' }, broken, remove('kuma:readiness')));
  const { resources, warnings = [] } = world.engine.config.get(proxies[0] ?? '') ?? {};
  assert.deepEqual(resources?.listener, before?.listener);
  assert.equal(resources?.cluster.has('kuma:readiness'), false);
  assert.match(
    warnings.map(({ message }) => message).join('\n'),
    /appendModifications\[0\]\.networkFilter cannot be applied to the listener/,
  );
  assert.ok(warnings.every(({ policyType }) => policyType === 'MeshProxyPatch'));
});
