// Outbounds that are bound to the loopback (feature C17): which virtual addresses a proxy listens on, which it cannot, and what it is told of that.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resourceJson } from '@ursa/envoy';
import { builtinPolicies } from '@ursa/policies';
import type { EngineSettings, ProxyConfig } from '../src/index.ts';
import { createWorld, type World } from './world.ts';

const mesh = 'default';
const features = ['feature-bind-outbounds', 'feature-embedded-dns', 'feature-reuse-port'];

function dataplane(service: string, networking: object = {}): object {
  const inbound = [{ port: 8080, tags: { 'kuma.io/service': service, 'kuma.io/protocol': 'http' } }];
  const address = `10.0.0.${service.length}`;
  return { type: 'Dataplane', mesh, name: `${service}-1`, networking: { address, inbound, ...networking } };
}

/** `api` has an address of the loopback, `db` the usual one. */
function openBound(networking: object = {}, settings: Partial<EngineSettings> = {}): World {
  const world = createWorld(builtinPolicies, 'default', settings);
  const backends = [{ name: 'ca', type: 'builtin' }];
  const mtls = { enabledBackend: 'ca', backends };
  world.apply({
    ...{ type: 'Mesh', name: mesh, mtls, meshServices: { mode: 'Exclusive' }, skipCreatingInitialPolicies: ['*'] },
  });
  for (const document of [dataplane('web', networking), dataplane('api'), dataplane('db')]) world.apply(document);
  world.settle();
  const services = world.resources('MeshService');
  const api = services.get(`${mesh}/api`);
  assert.ok(api);
  services.set(`${mesh}/api`, { ...api, status: { ...(api.status as object), vips: [{ ip: '127.1.0.5' }] } });
  return world;
}

function configOf(world: World): ProxyConfig {
  const config = world.engine.config.get(world.connect(mesh, 'web-1', { features }));
  assert.ok(config);
  return config;
}

const outboundsOf = ({ resources }: ProxyConfig): readonly string[] =>
  [...resources.listener.keys()].filter((name) => name.startsWith('outbound:'));

test('what is of the loopback is listened on, alone, and has its name; of the rest the proxy is told', () => {
  const config = configOf(openBound());
  assert.deepEqual(outboundsOf(config), ['outbound:127.1.0.5:8080']);
  const listener = config.resources.listener.get('outbound:127.1.0.5:8080');
  const { bindToPort, enableReusePort } = resourceJson(listener as never) as Record<string, unknown>;
  assert.deepEqual([bindToPort, enableReusePort], [undefined, false]);
  const documents = JSON.stringify(resourceJson(config.resources.listener.get('_kuma:dynamicconfig') as never));
  assert.match(documents, /api\.svc\.mesh\.local/);
  assert.doesNotMatch(documents, /(db|web)\.svc\.mesh\.local/);
  const warnings = config.warnings.map(({ message }) => message).join('\n');
  assert.match(
    warnings,
    /bind-outbounds: 2 virtual addresses have no listener, such as 241\.0\.0\.\d+: give the control/,
  );
});

test('what the Dataplane spells out comes first, and is kept where outbounds follow from permissions', () => {
  const outbound = [
    { port: 10001, backendRef: { kind: 'MeshService', name: 'db', port: 8080 } },
    { address: '127.1.0.5', port: 8080, backendRef: { kind: 'MeshService', name: 'db', port: 8080 } },
  ];
  const written = ['outbound:127.0.0.1:10001', 'outbound:127.1.0.5:8080'];
  const config = configOf(openBound({ outbound }));
  assert.deepEqual(outboundsOf(config), written);
  const clusters = [...config.resources.cluster.keys()];
  assert.ok(!clusters.includes('default_api__default_msvc_8080'), clusters.join(', '));
  assert.deepEqual(outboundsOf(configOf(openBound({ outbound }, { autoReachableServices: true }))), written);
});

test('lists narrow what is bound', () => {
  const config = configOf(
    openBound({ transparentProxying: { reachableBackends: { refs: [{ name: 'db', kind: 'MeshService' }] } } }),
  );
  assert.deepEqual(outboundsOf(config), []);
});

test('without the feature virtual addresses are not listened on', () => {
  const world = openBound();
  const config = world.engine.config.get(world.connect(mesh, 'web-1', { features: ['feature-reuse-port'] }));
  assert.deepEqual(config && outboundsOf(config), []);
});

test('explain says why an address cannot be listened on', () => {
  const world = openBound();
  world.connect(mesh, 'web-1', { features });
  const ask = (to: string) => world.engine.explain({ mesh, from: 'web', to, method: 'GET', path: '/', headers: {} });
  const { verdict, summary, problems } = ask('db');
  assert.equal(verdict, 'unreachable');
  assert.match(summary, /web-1 cannot listen on the virtual address of db, 241\.0\.0\.\d+: it is none of the loopback/);
  assert.match(problems[0]?.fix ?? '', /127\.0\.0\.0\/8/);
  assert.match(ask('api').steps[1]?.text ?? '', /127\.1\.0\.5:8080 leads to api/);
});
