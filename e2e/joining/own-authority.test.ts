// Control planes whose certificate an authority of the user has signed: joining works with the authority in the file, and says what to do without.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { findEnvoy } from '@ursa/data-plane';
import { startProcess } from '../../examples/demo/child-process.ts';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { openAuthority } from '../harness/tls-server.ts';
import { openWorld, programs, type World } from '../harness/world.ts';

/** A world whose control plane shows a certificate of an authority; `withAuthority`: that follows in the file. */
async function openWith(context: TestContext, withAuthority: boolean): Promise<{ world: World; folder: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'ursa-authority-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const authority = openAuthority(folder, 'company');
  const { certificate, key } = authority.issue('kuma-cp', 'DNS:localhost,IP:127.0.0.1');
  const certificateFile = join(folder, 'chain.pem');
  writeFileSync(certificateFile, withAuthority ? certificate + authority.certificate : certificate);
  const keyFile = join(folder, 'key.pem');
  writeFileSync(keyFile, key, { mode: 0o600 });
  const world = await openWorld({
    KUMA_DP_SERVER_TLS_CERT_FILE: certificateFile,
    KUMA_DP_SERVER_TLS_KEY_FILE: keyFile,
  });
  context.after(() => world.close());
  return { world, folder };
}

const body = { service: 'web', addresses: ['localhost'] };

test('with the authority at the end of the file hosts join, by code and on the own host', async (context) => {
  const { world, folder } = await openWith(context, true);
  const { status, text } = await world.controlPlane.request('POST', '/tokens/join-code', body);
  assert.equal(status, 200, text);
  const envoy = findEnvoy('envoy', process.env, folder);
  const ways = [
    { args: ['join', text, '--port', '8080', '--protocol', 'tcp'], workDir: '' },
    { args: ['run', '--service', 'api', '--port', '8081', '--protocol', 'tcp'], workDir: world.folder },
  ];
  for (const { args, workDir } of ways) {
    const proxy = startProcess({
      ...{ name: 'kuma-dp', command: programs.dataPlane, args },
      environment: {
        ...{ HOME: folder, KUMA_GENERAL_WORK_DIR: workDir, KUMA_DATAPLANE_DRAIN_TIME: '1s' },
        KUMA_DATAPLANE_RUNTIME_BINARY_PATH: envoy,
      },
    });
    context.after(() => proxy.stop(20_000));
    const serves = (): boolean => !proxy.running() || proxy.output().includes('ready: others may send to this proxy');
    await waitFor('the proxy serves', serves, { within: 60_000 });
    assert.ok(proxy.running(), proxy.output());
  }
});

test('without it no code is made, and what is to be done is said', async (context) => {
  const { world } = await openWith(context, false);
  const { status, text } = await world.controlPlane.request('POST', '/tokens/join-code', body);
  assert.equal(status, 409);
  assert.match(text, /does not hold the authority that signed it.*append the authority's certificate/);
});

test('addresses that the certificate is not for are refused, and so are all when it is for this host alone', async (context) => {
  const { world } = await openWith(context, true);
  for (const [addresses, words] of [
    [['cp.example.com'], /the control plane's certificate is not for cp\.example\.com/],
    [[], /expected an address that the certificate is for: this host alone/],
  ] as const) {
    const { status, text } = await world.controlPlane.request('POST', '/tokens/join-code', { ...body, addresses });
    assert.equal(status, 400);
    assert.match(text, words);
  }
});
