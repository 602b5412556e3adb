// What `_config` shows, and what it never shows.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import type { ProxyConfig } from '@ursa/engine';
import { adminServerTls, encodeResource, identitySecret, trustSecret } from '@ursa/envoy';
import { FilterChainSchema } from '../../../envoy/gen/envoy/config/listener/v3/listener_components_pb.ts';
import { ListenerSchema } from '../../../envoy/gen/envoy/config/listener/v3/listener_pb.ts';
import { formatConfig } from '../../src/api/inspect/config-view.ts';
import { aloneZone, openApiFixture } from './api-fixture.ts';
import { openWithMeshes } from './documents.ts';

const pem = '-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n';

function configWithSecrets(): ProxyConfig {
  const chain = create(FilterChainSchema, { transportSocket: adminServerTls('CHAIN', pem, 'AUTHORITY') });
  const listener = encodeResource('listener', create(ListenerSchema, { name: 'admin', filterChains: [chain] }));
  const identity = encodeResource('secret', identitySecret('identity', 'CHAIN', pem));
  const trust = encodeResource('secret', trustSecret('trust', 'AUTHORITY'));
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
  const config = configWithSecrets();
  const configOf = (_mesh: string, name: string) => (name === 'web' ? config : undefined);
  const { ask } = await openWithMeshes(openApiFixture({}, aloneZone, { configOf }), 'default');
  const shown = await ask('GET', '/meshes/default/dataplanes/web/_config?include=diff');
  assert.deepEqual([shown.status, shown.body.diff], [200, []]);
  assert.deepEqual(Object.keys(shown.body.xds).length, 2);
  assert.equal(
    (await ask('GET', '/meshes/default/dataplanes/db/_config')).body.title,
    'Failed to fetch dataplane insight',
  );
  assert.equal((await ask('GET', '/meshes/default/dataplanes/web/_config?shadow=maybe')).status, 400);
  assert.equal((await ask('GET', '/meshes/default/dataplanes/web/_config?shadow=true')).status, 501);
});
