// The executables' runtime has HTTP servers of its own: what is renewed while kuma-cp runs is renewed on the API's port with it, too.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { startControlPlane } from '../../examples/demo/control-plane.ts';
import { freePort } from '../../examples/demo/free-ports.ts';
import { programsIn } from '../../examples/demo/programs.ts';
import { waitFor as waitUntil } from '../../examples/demo/wait-for.ts';

const dist = join(import.meta.dirname, '..', '..', 'dist');
const skip = !existsSync(join(dist, 'SHA256SUMS')) && 'there are no executables: npm run build makes them';

/** The files are looked at every few seconds. */
const waitFor = (what: string, check: () => Promise<boolean>) => waitUntil(what, check, { within: 60_000 });

interface Pair {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** What a port answers, and the SHA-256 of the certificate that it shows. */
function ask(port: number, path: string, client?: Pair): Promise<{ readonly text: string; readonly shown: string }> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path, agent: false, rejectUnauthorized: false, ...client };
    const asked = request(options, async (response) => {
      const { fingerprint256 = '' } = (response.socket as TLSSocket).getPeerCertificate();
      resolve({ text: (await response.setEncoding('utf8').toArray()).join(''), shown: fingerprint256 });
    });
    asked.on('error', reject);
    asked.end();
  });
}

test('a renewed certificate is shown, and an authority of administrators can be taken back, without a restart', {
  skip,
}, async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'ursa-executables-'));
  const { controlPlane: command, kumactl } = programsIn(dist);
  const make = (name: string, type: 'server' | 'client'): Pair => {
    const [program = '', ...words] = kumactl;
    const files = ['--cert-file', join(folder, `${name}.crt`), '--key-file', join(folder, `${name}.key`)];
    const what = ['--type', type, '--key-type', 'ecdsa', ...(type === 'server' ? ['--hostname', 'localhost'] : [])];
    execFileSync(program, [...words, 'generate', 'tls-certificate', ...what, ...files]);
    return { cert: readFileSync(join(folder, `${name}.crt`)), key: readFileSync(join(folder, `${name}.key`)) };
  };
  const authorities = join(folder, 'authorities');
  mkdirSync(authorities);
  const [first, second] = [make('first', 'client'), make('second', 'client')];
  copyFileSync(join(folder, 'first.crt'), join(authorities, 'first.pem'));
  const port = await freePort(undefined);
  const controlPlane = await startControlPlane({
    command,
    folder,
    usualPorts: false,
    environment: {
      KUMA_API_SERVER_HTTPS_PORT: String(port),
      KUMA_API_SERVER_AUTHN_TYPE: 'adminClientCerts',
      KUMA_API_SERVER_AUTHN_LOCALHOST_IS_ADMIN: 'false',
      KUMA_API_SERVER_AUTH_CLIENT_CERTS_DIR: authorities,
    },
  });
  context.after(async () => {
    await controlPlane.stop();
    rmSync(folder, { recursive: true });
  });
  const isAdmin = async (client: Pair): Promise<boolean> =>
    /mesh-system:admin"/.test((await ask(port, '/who-am-i', client)).text);
  assert.deepEqual([await isAdmin(first), await isAdmin(second)], [true, false]);

  const { shown: before } = await ask(port, '/');
  make('renewed', 'server');
  copyFileSync(join(folder, 'renewed.key'), join(folder, 'kuma-cp.key'));
  copyFileSync(join(folder, 'renewed.crt'), controlPlane.caCertFile);
  await waitFor('the new certificate is shown', async () => (await ask(port, '/')).shown !== before);
  assert.equal(await isAdmin(first), true);

  copyFileSync(join(folder, 'second.crt'), join(authorities, 'second.pem'));
  await waitFor('the second is an administrator', () => isAdmin(second));
  rmSync(join(authorities, 'first.pem'));
  await waitFor('the first is none any more', async () => !(await isAdmin(first)));
  assert.equal(await isAdmin(second), true);
});
