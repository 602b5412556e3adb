// What `_config` shows, and what it never shows.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import type { ProxyConfig } from '@ursa/engine';
import { adminServerTls, encodeResource, identitySecret, trustSecret } from '@ursa/envoy';
import { FilterChainSchema } from '../../../envoy/gen/envoy/config/listener/v3/listener_components_pb.ts';
import { ListenerSchema } from '../../../envoy/gen/envoy/config/listener/v3/listener_pb.ts';
import { formatConfig } from '../../src/api/inspect/config-view.ts';
import { diffJson } from '../../src/api/inspect/json-patch.ts';
import { aloneZone, openApiFixture } from './api-fixture.ts';
import { openWithMeshes } from './documents.ts';

const pem = '-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n';

function configWithSecrets(): ProxyConfig {
  const chain = create(FilterChainSchema, { transportSocket: adminServerTls('CHAIN', pem, 'AUTHORITY') });
  const listener = encodeResource(
    'listener',
    create(ListenerSchema, { name: 'admin', filterChains: [chain] }),
    'outbound',
  );
  const identity = encodeResource('secret', identitySecret('identity', 'CHAIN', pem), 'outbound');
  const trust = encodeResource('secret', trustSecret('trust', 'AUTHORITY'), 'outbound');
  const none = new Map();
  return {
    resources: {
      cluster: none,
      endpoint: none,
      route: none,
      runtime: none,
      listener: new Map([[listener.name, listener]]),
      secret: new Map([identity, trust].map((resource) => [resource.name, resource])),
    },
    warnings: [],
  };
}

test('keys and certificates are left out of a shown configuration', () => {
  const text = JSON.stringify(formatConfig(configWithSecrets()));
  assert.match(text, /"identity"/);
  for (const content of ['PRIVATE KEY', 'CHAIN', 'AUTHORITY', pem]) {
    assert.ok(!text.includes(content), content);
    assert.ok(!text.includes(Buffer.from(content).toString('base64').slice(0, 8)), content);
  }
});

test('a configuration is asked for by path, and is not there for a proxy that never connected', async () => {
  const nothingHeldBack = {
    rules: { name: 'rules', get: () => new Map() },
    gatewayRules: { name: 'rules of a gateway', get: () => new Map() },
    heldBack: { name: 'held back', get: () => '' },
    unusable: { name: 'unusable', get: () => [] },
    faultOf: () => undefined,
    affectedDataplanes: { name: 'affected', get: () => [] },
    explain: () => assert.fail(),
    collectorRefs: { name: 'collectors', get: () => ({ total: 0, missing: [] }) },
    unsentTo: { get: () => [] },
    referenceFindings: () => [],
    idleFindings: () => [],
  };
  const of = (config: ProxyConfig) => ({
    config: { name: 'config', get: (key: string) => (key === 'default/web' ? config : undefined) },
  });
  const config = configWithSecrets();
  const renamed = {
    ...config,
    warnings: [{ message: 'it is idle' }],
    resources: { ...config.resources, listener: new Map() },
  };
  const changes = {
    engine: { ...of(config), ...nothingHeldBack },
    shadowEngine: of(renamed),
  };
  const { ask } = await openWithMeshes(openApiFixture({}, aloneZone, changes), 'default');
  const path = '/meshes/default/dataplanes/web/_config';
  const shown = await ask('GET', `${path}?include=diff`);
  assert.deepEqual([shown.status, shown.body.diff], [200, []]);
  assert.equal(Object.keys(shown.body.xds).length, 2);
  const shadow = await ask('GET', `${path}?shadow=true&include=diff`);
  assert.equal(Object.keys(shadow.body.xds).length, 1);
  assert.deepEqual(
    shadow.body.diff.map(({ op, path: at }: { op: string; path: string }) => `${op} ${at}`),
    ['test', 'remove'].map((op) => `${op} /type.googleapis.com~1envoy.config.listener.v3.Listener`),
  );
  const warned = await ask('GET', `${path}?shadow=true&include=warnings`);
  assert.deepEqual([warned.body.warnings, warned.body.diff], [['it is idle'], undefined]);
  assert.equal((await ask('GET', `${path}?shadow=maybe`)).status, 400);
  assert.equal((await ask('GET', `${path}?include=all`)).status, 400);
  const never = await ask('GET', '/meshes/default/dataplanes/db/_config');
  assert.equal(never.body.title, 'Failed to fetch dataplane insight');
});

test('a diff names what is added, removed and changed, by JSON Pointer', () => {
  const before = { 'a/b': { 'c~d': 1 }, list: [1, 2, 3], same: { x: [1] }, gone: null };
  const after = { 'a/b': { 'c~d': 2 }, list: [1, 5], same: { x: [1] }, fresh: { y: 1 } };
  const steps = diffJson(before, after).map(({ op, path, value }) => `${op} ${path} ${JSON.stringify(value)}`);
  assert.deepEqual(steps, [
    'test /a~1b/c~0d 1',
    'remove /a~1b/c~0d 1',
    'add /a~1b/c~0d 2',
    'add /fresh {"y":1}',
    'test /gone null',
    'remove /gone null',
    'test /list/1 2',
    'remove /list/1 2',
    'add /list/1 5',
    'test /list/2 3',
    'remove /list/2 3',
  ]);
  assert.deepEqual(diffJson(before, structuredClone(before)), []);
});

test('what is put into a list or taken out of it is named alone', () => {
  const stepsOf = (before: unknown, after: unknown) =>
    diffJson(before, after).map(({ op, path, value }) => `${op} ${path} ${JSON.stringify(value)}`);
  assert.deepEqual(stepsOf(['c'], ['a', 'b', 'c']), ['add /0 "b"', 'add /0 "a"']);
  assert.deepEqual(stepsOf(['a', 'b', 'c'], ['b']), ['test /2 "c"', 'remove /2 "c"', 'test /0 "a"', 'remove /0 "a"']);
  assert.deepEqual(stepsOf([{ x: 1 }], [{ x: 2 }, 'a', 'b']), [
    'test /0/x 1',
    'remove /0/x 1',
    'add /0/x 2',
    'add /1 "b"',
    'add /1 "a"',
  ]);
  const many = Array.from({ length: 2000 }, (_, index) => index);
  assert.equal(stepsOf(many, many.toReversed()).length, 6000);
});
