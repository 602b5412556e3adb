// MeshProxyPatch seen in traffic: a header is added, requests are limited, a filter goes again; what Envoy would refuse is refused at apply.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { fetchEnvoy } from '@ursa/data-plane';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { openWorld, programs } from '../harness/world.ts';

const { path: envoy } = await fetchEnvoy(process.env);
const world = await openWorld({ KUMA_POLICIES_ENVOY_VALIDATION_BINARY_PATH: envoy });
after(() => world.close());
await world.start({ service: 'api' });
const web = await world.start({ service: 'web', calls: ['api'] });
const { controlPlane, folder } = world;

const lua = 'type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua';
const limit = 'type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit';
const addHeader = {
  httpFilter: {
    operation: 'AddFirst',
    match: { origin: 'inbound' },
    value: `name: answered-by
typed_config:
  "@type": ${lua}
  default_source_code:
    inline_string: |
      function envoy_on_response(handle) handle:headers():add("x-answered-by", "api") end
`,
  },
};
const noRequests = {
  httpFilter: {
    operation: 'AddBefore',
    match: { origin: 'inbound', name: 'envoy.filters.http.router' },
    value: `name: limited
typed_config:
  "@type": ${limit}
  stat_prefix: limited
  token_bucket: { max_tokens: 1, fill_interval: 3600s }
  filter_enabled: { default_value: { numerator: 100 } }
  filter_enforced: { default_value: { numerator: 100 } }
`,
  },
};
const removeLimit = { httpFilter: { operation: 'Remove', match: { name: 'limited' } } };

const patch = (...appendModifications: object[]) => ({
  type: 'MeshProxyPatch',
  mesh: 'default',
  name: 'patch',
  spec: {
    targetRef: { kind: 'MeshSubset', tags: { 'kuma.io/service': 'api' } },
    default: { appendModifications },
  },
});
const called = () => fetch(web.urlOf('api'));

test('a filter that is added, limits, and is removed is seen in traffic', async () => {
  await waitFor('api answers', async () => (await called()).status === 200);
  assert.equal((await called()).headers.get('x-answered-by'), null);
  await controlPlane.apply(patch(addHeader));
  await waitFor('the header is there', async () => (await called()).headers.get('x-answered-by') === 'api');
  await controlPlane.apply(patch(addHeader, noRequests));
  await waitFor('requests are limited', async () => (await called()).status === 429);
  await controlPlane.apply(patch(addHeader, noRequests, removeLimit));
  await waitFor('nothing is limited any more', async () => (await called()).status === 200);
  assert.equal((await called()).headers.get('x-answered-by'), 'api');
});

test('limits of a cluster hold, beside those that it has', async () => {
  const noCalls = {
    cluster: {
      operation: 'Patch',
      match: { origin: 'outbound' },
      value: 'circuit_breakers: { thresholds: [{ max_requests: 0, max_pending_requests: 0 }] }',
    },
  };
  const ofClient = patch(noCalls);
  ofClient.spec.targetRef.tags['kuma.io/service'] = 'web';
  await controlPlane.apply({ ...ofClient, name: 'limits' });
  await waitFor('the client may send nothing', async () => (await called()).status === 503);
  await controlPlane.apply({ ...ofClient, name: 'limits', spec: patch(removeLimit).spec });
  await waitFor('the client may send again', async () => (await called()).status === 200);
});

async function kumactl(...args: string[]): Promise<{ readonly code: number; readonly text: string }> {
  const [program = '', ...rest] = programs.kumactl;
  const config = join(folder, 'kumactl.yaml');
  const environment = { ...process.env, HOME: folder };
  const run = (words: readonly string[]) =>
    promisify(execFile)(program, [...rest, '--config-file', config, ...words], { env: environment }).then(
      ({ stdout, stderr }) => ({ code: 0, text: stdout + stderr }),
      (error: { code: number; stdout: string; stderr: string }) => ({
        code: error.code,
        text: error.stdout + error.stderr,
      }),
    );
  await run(['config', 'control-planes', 'add', '--name', 'e2e', '--address', controlPlane.apiUrl, '--overwrite']);
  return run(args);
}

test('what Envoy would refuse is refused by kumactl apply, with its words and the modification at fault', async () => {
  const badPort = { socketAddress: { address: '127.0.0.1', portValue: 70_000 } };
  const listener = {
    listener: { operation: 'Add', value: JSON.stringify({ name: 'extra', address: badPort }) },
  };
  const file = join(folder, 'patch.json');
  writeFileSync(file, JSON.stringify(patch(addHeader, listener, removeLimit)));
  const { code, text } = await kumactl('apply', '-f', file);
  assert.notEqual(code, 0, text);
  assert.match(text, /spec\.default\.appendModifications\[1\]\.listener\.value/);
  assert.match(text, /PortValue: value must be less than or equal to 65535/);
  const path = '/meshes/default/meshproxypatches/patch';
  assert.equal((await controlPlane.request('PUT', `${path}?dryRun=true`, patch(listener))).status, 400);
  const { json } = await controlPlane.request('GET', path);
  assert.match(JSON.stringify(json), /limited/, 'the patch that was there stays');
  assert.equal((await called()).status, 200);
});

test('a patch for nobody is judged, too', async () => {
  const { spec, ...head } = patch({
    networkFilter: { operation: 'AddLast', value: 'name: envoy.filters.network.nothing' },
  });
  const targetRef = { kind: 'Dataplane', labels: { app: 'comes-later' } };
  const answer = await controlPlane.request('PUT', '/meshes/default/meshproxypatches/nobody', {
    ...head,
    name: 'nobody',
    spec: { ...spec, targetRef },
  });
  assert.equal(answer.status, 400);
  assert.match(JSON.stringify(answer.json), /appendModifications\[0\]\.networkFilter\.value/);
});
