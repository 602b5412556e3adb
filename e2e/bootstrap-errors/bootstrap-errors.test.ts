// What a user reads when a proxy may not start, from the real control plane.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { startProcess } from '../../examples/demo/child-process.ts';
import { openWorld, programs } from '../harness/world.ts';

const world = await openWorld();
after(() => world.close());
const { controlPlane, folder } = world;
const token = await controlPlane.dataplaneToken('default', 'web');
const tokenFile = join(folder, 'token');
writeFileSync(tokenFile, token);

function dataplane(changes: object = {}): string {
  const inbound = [{ port: 1, tags: { 'kuma.io/service': 'web' } }];
  const file = join(folder, `dataplane-${Object.keys(changes).join('-')}.yaml`);
  writeFileSync(
    file,
    JSON.stringify({
      type: 'Dataplane',
      mesh: 'default',
      name: 'web',
      networking: { address: '127.0.0.1', inbound },
      ...changes,
    }),
  );
  return file;
}

/** Runs kuma-dp until it gives up; `changes` replace flags, undefined leaves one out. */
async function failure(
  changes: Readonly<Record<string, string | undefined>>,
  environment: Readonly<Record<string, string>> = {},
): Promise<string> {
  const flags: Record<string, string | undefined> = {
    'cp-address': controlPlane.dataPlaneUrl,
    'ca-cert-file': controlPlane.caCertFile,
    'dataplane-file': dataplane(),
    'dataplane-token-file': tokenFile,
    ...changes,
  };
  const args = Object.entries(flags).flatMap(([flag, value]) => (value === undefined ? [] : [`--${flag}`, value]));
  const process = startProcess({
    name: 'kuma-dp',
    command: programs.dataPlane,
    args: ['--log-level', 'off', 'run', ...args],
    environment,
  });
  const { code } = await process.exited;
  assert.equal(code, 1, process.output());
  return process.output();
}

test('an unknown authority', async () => {
  assert.match(
    await failure({ 'ca-cert-file': undefined }),
    /cannot be verified.*SHA-256 [0-9A-F:]{95}.*--ca-cert-file/,
  );
});

test('no token, another name, nonsense', async () => {
  assert.match(await failure({ 'dataplane-token-file': undefined }), /token is required.*--dataplane-token-file/s);
  assert.match(await failure({ 'dataplane-file': dataplane({ name: 'api' }) }), /refuses.*name.*"api".*"web"/s);
  writeFileSync(join(folder, 'nonsense'), 'e30.e30.e30');
  assert.match(await failure({ 'dataplane-token-file': join(folder, 'nonsense') }), /refuses the token/);
});

test('a mesh or a Dataplane that does not exist', async () => {
  assert.match(await failure({ 'dataplane-file': dataplane({ mesh: 'nowhere' }) }), /nowhere/);
  assert.match(
    await failure(
      { 'dataplane-file': undefined, name: 'web', mesh: 'default' },
      { KUMA_CONTROL_PLANE_RETRY_MAX_DURATION: '1ms' },
    ),
    /no dataplane "web" in mesh "default".*--dataplane-file/i,
  );
});

test('a Dataplane that is not valid, with a suggestion', async () => {
  assert.match(
    await failure({ 'dataplane-file': dataplane({ networkin: {} }) }),
    /networkin.*did you mean.*networking/s,
  );
});

test("the API's port instead of the proxies'", async () => {
  assert.match(await failure({ 'cp-address': controlPlane.apiUrl }), /has no \/bootstrap: --cp-address must be .*5678/);
  assert.match(await failure({ 'cp-address': controlPlane.apiUrl.replace('http', 'https') }), /does not speak TLS/);
});

test('an Envoy that is none', async () => {
  assert.match(await failure({ 'binary-path': '/no/such/envoy' }), /--binary-path: there is no Envoy at/);
  assert.match(await failure({ 'binary-path': '/bin/ls' }), /\/bin\/ls is not Envoy/);
});
