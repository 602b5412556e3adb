// A server's certificate that is renewed while it runs, over real files and real TLS.
import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { connect } from 'node:tls';
import { waitFor as waitUntil } from '../../../../examples/demo/wait-for.ts';
import { openGrpcServer } from '../../src/delta/grpc/index.ts';
import { followCertificate } from '../../src/identity/served-certificate.ts';
import { openServerCertificate, type ServerCertificate } from '../../src/identity/server-certificate.ts';

/** The files are looked at every few seconds. */
const waitFor = (what: string, check: () => Promise<boolean>) => waitUntil(what, check, { within: 60_000 });

interface Renewable {
  readonly files: ServerCertificate;
  /** Puts another pair into the files; without `key` only the certificate. */
  replace(by: ServerCertificate, key?: boolean): void;
  make(name: string): Promise<ServerCertificate>;
}

async function openFiles(context: TestContext): Promise<Renewable> {
  const folder = mkdtempSync(join(tmpdir(), 'ursa-renewal-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const make = (name: string) => openServerCertificate(join(folder, name));
  const files = await make('served');
  return {
    files,
    make,
    replace(by, key = true) {
      copyFileSync(by.certificateFile, files.certificateFile);
      if (key) copyFileSync(by.privateKeyFile, files.privateKeyFile);
    },
  };
}

function openLog() {
  const lines: string[] = [];
  const write = (message: string, fields = {}): void => void lines.push(`${message} ${JSON.stringify(fields)}`);
  return { lines, log: { info: write, warn: write } };
}

/** Fingerprint of what a port shows to a new connection. */
function shownAt(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, timeout: 5000 }, () => {
      resolve(socket.getPeerX509Certificate()?.toString() ?? '');
      socket.destroy();
    });
    socket.once('error', reject);
    socket.once('timeout', () => socket.destroy(new Error('no handshake')));
  });
}

test('who connects after a renewal is shown the new certificate; the connection from before goes on', async (context) => {
  const { files, replace, make } = await openFiles(context);
  const { lines, log } = openLog();
  const served = followCertificate(files, log);
  const tlsOf = ({ certificate, privateKey }: ReturnType<typeof served.current>) => ({ certificate, key: privateKey });
  const server = await openGrpcServer({
    host: '127.0.0.1',
    port: 0,
    tls: tlsOf(served.current()),
    methods: new Map(),
    onRequest: async () => ({ status: 200, contentType: 'text/plain', body: 'here' }),
    onBug: (error) => assert.fail(String(error)),
    headersTimeoutMilliseconds: 5000,
    unprovenConnections: () => 10,
    stopTimeoutMilliseconds: 100,
  });
  const renewals = served.follow((pair) => server.renew(tlsOf(pair)));
  context.after(async () => {
    renewals.stop();
    await server.stop();
  });
  const open = connect({ port: server.port, host: '127.0.0.1', rejectUnauthorized: false });
  context.after(() => open.destroy());
  await new Promise((resolve) => open.once('secureConnect', resolve));
  const other = await make('other');
  replace(other);
  await waitFor(
    'the new certificate is shown',
    async () => (await shownAt(server.port)) === `${other.certificate.trim()}\n`,
  );
  assert.match(lines.join('\n'), /a renewed certificate is in use/);
  const answer = new Promise<string>((resolve) => open.once('data', (bytes) => resolve(String(bytes))));
  open.write('GET / HTTP/1.1\r\nhost: here\r\n\r\n');
  assert.match(await answer, /^HTTP\/1\.1 200/);
});

test('half of a renewal, and what is no certificate, change nothing; the whole of it does', async (context) => {
  const { files, replace, make } = await openFiles(context);
  const { lines, log } = openLog();
  const served = followCertificate(files, log);
  const renewed: string[] = [];
  const renewals = served.follow(({ certificate }) => renewed.push(certificate));
  context.after(() => renewals.stop());
  const other = await make('other');
  replace(other, false);
  await waitFor('the half is noticed', async () =>
    lines.some((line) => /is not the key of the certificate/.test(line)),
  );
  writeFileSync(files.certificateFile, 'nothing');
  await waitFor('the rubbish is noticed', async () => lines.some((line) => /expected a certificate in PEM/.test(line)));
  assert.equal(served.current().certificate, files.certificate);
  assert.deepEqual(renewed, []);
  replace(other);
  await waitFor('the whole is taken', async () => renewed.length > 0);
  assert.deepEqual(renewed, [other.certificate]);
  assert.equal(served.current().privateKey, other.privateKey);
});

test('nobody looks at the files when nobody follows', async (context) => {
  const { files, replace, make } = await openFiles(context);
  const { lines, log } = openLog();
  const served = followCertificate(files, log);
  served.follow(() => assert.fail('it was stopped')).stop();
  replace(await make('other'));
  const again = followCertificate(files, log);
  let seen = 0;
  const renewals = again.follow(() => {
    seen += 1;
  });
  context.after(() => renewals.stop());
  replace(await make('third'));
  await waitFor('the other follower has seen it', async () => seen > 0);
  assert.equal(served.current().certificate, files.certificate);
  assert.equal(lines.length, 1);
});
