// What is renewed while processes run: a proxy's token, the certificate of the control plane, the authority that a proxy verifies it with.
import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { runKumactl } from '../harness/kumactl.ts';
import { type MeshService, openWorld } from '../harness/world.ts';

const world = await openWorld();
after(() => world.close());
const { controlPlane, folder } = world;
const authority = join(folder, 'authority-of-web.crt');
copyFileSync(controlPlane.caCertFile, authority);
const tokenFile = join(folder, 'web-1.token');
const web = await world.start({ service: 'web', extraArgs: ['--ca-cert-file', authority] });

const isConnected = async (service: MeshService): Promise<boolean> =>
  (await service.admin('/stats?filter=control_plane.connected_state')).includes('connected_state: 1');

const identifierOf = (token: string): string => {
  const [, claims = ''] = token.split('.');
  return (JSON.parse(Buffer.from(claims, 'base64url').toString('utf8')) as { jti: string }).jti;
};

/** SHA-256 of the certificate that the port for proxies shows. */
const shown = (): Promise<string> =>
  new Promise((resolve, reject) => {
    const outgoing = request(controlPlane.dataPlaneUrl, { agent: false, rejectUnauthorized: false, timeout: 5000 });
    outgoing.on('socket', (socket) =>
      socket.on('secureConnect', () => {
        const { fingerprint256 = '' } = (socket as import('node:tls').TLSSocket).getPeerCertificate();
        resolve(fingerprint256);
        outgoing.destroy();
      }),
    );
    outgoing.on('error', reject);
    outgoing.end();
  });

test('the token is not in the bootstrap, and the stream is open', async () => {
  const token = readFileSync(tokenFile, 'utf8').trim();
  assert.doesNotMatch(readFileSync(join(web.proxy.workDir, 'bootstrap.yaml'), 'utf8'), new RegExp(token));
  assert.equal(await isConnected(web), true);
});

test('a token that is replaced in its file is what the next stream shows', async () => {
  const old = readFileSync(tokenFile, 'utf8').trim();
  writeFileSync(tokenFile, await controlPlane.dataplaneToken('default', 'web-1'));
  await waitFor('kuma-dp has read it', async () => /a new token is in use/.test(web.proxy.process.output()));
  await controlPlane.apply({
    type: 'Secret',
    mesh: 'default',
    name: 'dataplane-token-revocations-default',
    data: Buffer.from(identifierOf(old)).toString('base64'),
  });
  // The stream that was opened with the old token is closed; the one after it is good.
  await waitFor('another stream is open', async () => {
    const { json } = await controlPlane.request('GET', '/meshes/default/dataplanes/web-1/_overview');
    const { subscriptions = [] } =
      (json as { dataplaneInsight?: { subscriptions?: readonly object[] } }).dataplaneInsight ?? {};
    return subscriptions.length > 1 && (await isConnected(web));
  });
});

test('an empty file, or one that is no certificate, changes nothing', async () => {
  const token = readFileSync(tokenFile, 'utf8');
  writeFileSync(tokenFile, '\n');
  writeFileSync(authority, 'no certificate');
  await waitFor('both are said', async () => {
    const output = web.proxy.process.output();
    return /the token file is empty now/.test(output) && /holds no PEM certificate now/.test(output);
  });
  assert.equal(await isConnected(web), true);
  writeFileSync(tokenFile, token);
  copyFileSync(controlPlane.caCertFile, authority);
});

test('a certificate of the control plane that is replaced is shown at once, and open streams stay', async () => {
  const before = await shown();
  const made = join(folder, 'renewed');
  const { code, output } = await runKumactl(controlPlane.apiUrl, [
    ...['generate', 'tls-certificate', '--type', 'server', '--hostname', 'localhost'],
    ...['--key-type', 'ecdsa', '--cert-file', `${made}.crt`, '--key-file', `${made}.key`],
  ]);
  assert.equal(code, 0, output);
  copyFileSync(`${made}.key`, join(folder, 'kuma-cp.key'));
  copyFileSync(`${made}.crt`, controlPlane.caCertFile);
  await waitFor('the new certificate is shown', async () => (await shown()) !== before);
  assert.equal(await isConnected(web), true);
});

test('a proxy comes back once its authority is replaced too, without a restart', async () => {
  controlPlane.process().signal('SIGTERM');
  await controlPlane.restart();
  const failed = async (): Promise<boolean> =>
    /ssl\.fail_verify_error: [1-9]/.test(await web.admin('/stats?filter=cluster.ads_cluster.ssl.fail_verify_error'));
  await waitFor('the old authority does not verify it', failed);
  assert.equal(await isConnected(web), false);
  copyFileSync(controlPlane.caCertFile, authority);
  await waitFor('it is connected again', () => isConnected(web));
});

test('a proxy that starts verifies it from the beginning, and ends in order', async () => {
  const other = await world.start({ service: 'other' });
  assert.equal(await isConnected(other), true);
});
