// Data plane tokens that are signed away from the control plane, which has public keys only: real kuma-dp and Envoy join with one, and with no other.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { startProcess } from '../../examples/demo/child-process.ts';
import { startControlPlane } from '../../examples/demo/control-plane.ts';
import { freePort } from '../../examples/demo/free-ports.ts';
import { type ProxyOptions, type RunningProxy, startProxy } from '../../examples/demo/proxy.ts';
import { openEchoService } from '../harness/echo-service.ts';
import { runKumactl } from '../harness/kumactl.ts';
import { answers, programs } from '../harness/world.ts';

const folder = mkdtempSync(join(tmpdir(), 'ursa-offline-'));
const keyFile = join(folder, 'offline.pem');
const publicKeyFile = join(folder, 'offline.pub');
const kumactl = async (apiUrl: string, ...args: readonly string[]): Promise<string> => {
  const { code, stdout, output } = await runKumactl(apiUrl, args);
  assert.equal(code, 0, output);
  return stdout;
};
const nowhere = 'http://127.0.0.1:1';
writeFileSync(keyFile, await kumactl(nowhere, 'generate', 'signing-key', '--format', 'pem'), { mode: 0o600 });
writeFileSync(publicKeyFile, await kumactl(nowhere, 'generate', 'public-key', '--signing-key-path', keyFile));
const settings = join(folder, 'kuma-cp.yaml');
const validator = { useSecrets: false, publicKeys: [{ kid: 'offline', mesh: 'default', keyFile: publicKeyFile }] };
const dpToken = { enableIssuer: false, validator };
writeFileSync(settings, JSON.stringify({ dpServer: { authn: { dpProxy: { dpToken } } } }));
const controlPlane = await startControlPlane({
  ...{ command: programs.controlPlane, folder, usualPorts: false },
  extraArgs: ['--config-file', settings],
});
const echo = await openEchoService('backend');
const proxies: RunningProxy[] = [];
after(async () => {
  await Promise.all(proxies.map(({ process }) => process.stop(1_000)));
  await echo.close();
  await controlPlane.stop();
  rmSync(folder, { recursive: true, force: true });
});

const sign = async (name: string, key = keyFile, kid = 'offline'): Promise<string> => {
  const flags = ['--name', name, '--valid-for', '1h', '--kid', kid, '--signing-key-path', key];
  return (await kumactl(nowhere, 'generate', 'dataplane-token', '--mesh', 'default', ...flags)).trim();
};
const start = async (options: Pick<ProxyOptions, 'name' | 'service' | 'token' | 'outbounds'>): Promise<void> => {
  const ports = { servicePort: echo.port, inboundPort: await freePort() };
  proxies.push(await startProxy({ command: programs.dataPlane, controlPlane, folder, ...ports, ...options }));
};

test('the control plane issues none, and says where they come from', async () => {
  const { status, text } = await controlPlane.request('POST', '/tokens/dataplane', { mesh: 'default', name: 'web' });
  assert.equal(status, 400, text);
  assert.match(text, /dpServer\.authn\.dpProxy\.dpToken\.enableIssuer/);
  assert.match(text, /kumactl generate dataplane-token --signing-key-path FILE --kid SERIAL/);
  const { code, output } = await runKumactl(controlPlane.apiUrl, [
    'generate',
    'dataplane-token',
    '--name',
    'web',
    '--valid-for',
    '1h',
  ]);
  assert.notEqual(code, 0);
  assert.match(output, /issuing dataplane tokens is switched off/);
});

test('proxies join with tokens that were signed offline, and requests go through them', async () => {
  const outbound = await freePort();
  await start({ name: 'backend-1', service: 'backend', token: await sign('backend-1') });
  await start({ name: 'web-1', service: 'web', token: await sign('web-1'), outbounds: { backend: outbound } });
  await answers(`http://127.0.0.1:${outbound}`, 200, 60_000);
});

test('another key does not count, nor does the one in the store: both are refused by name', async () => {
  const foreign = join(folder, 'foreign.pem');
  writeFileSync(foreign, await kumactl(nowhere, 'generate', 'signing-key', '--format', 'pem'));
  const { json } = await controlPlane.request('GET', '/meshes/default/secrets/dataplane-token-signing-key-default-1');
  const stored = join(folder, 'stored.pem');
  writeFileSync(stored, Buffer.from((json as { readonly data: string }).data, 'base64'));
  assert.match(readFileSync(stored, 'utf8'), /PRIVATE KEY/);
  for (const [key, kid, reason] of [
    [foreign, 'offline', /signature/i],
    [stored, '1', /signing key with KID 1 not found/],
  ] as const) {
    const dataplaneToken = await sign('late-1', key, kid);
    const answer = await joinWith(dataplaneToken);
    assert.equal(answer.code, 1, answer.output);
    assert.match(answer.output, reason);
  }
});

/** Runs kuma-dp with a token that does not count, until it says so. */
async function joinWith(token: string): Promise<{ readonly code: number | null; readonly output: string }> {
  const file = join(folder, 'late.token');
  writeFileSync(file, token, { mode: 0o600 });
  const dataplane = join(folder, 'late.yaml');
  const inbound = [{ port: await freePort(), servicePort: echo.port, tags: { 'kuma.io/service': 'late' } }];
  const networking = { address: '127.0.0.1', inbound };
  writeFileSync(dataplane, JSON.stringify({ type: 'Dataplane', mesh: 'default', name: 'late-1', networking }));
  const child = startProcess({
    name: 'kuma-dp late-1',
    command: programs.dataPlane,
    args: [
      ...['run', '--cp-address', controlPlane.dataPlaneUrl, '--ca-cert-file', controlPlane.caCertFile],
      ...['--dataplane-file', dataplane, '--dataplane-token-file', file, '--work-dir', join(folder, 'late')],
    ],
    environment: { KUMA_READINESS_PORT: String(await freePort()) },
  });
  const { code } = await child.exited;
  return { code, output: child.output() };
}
