// The API on real ports: limits for slow clients, hostile request lines, HTTPS with client certificates, a clean stop.
import assert from 'node:assert/strict';
import { createPrivateKey } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { Agent, request } from 'node:https';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { objectIdentifier, sequence, set, utf8String } from '@ursa/certificates';
import { type ApiComponent, type ApiOptions, openApi } from '../../src/api/api.ts';
import { openHttpServer } from '../../src/api/http/server.ts';
import { defaultSettings } from '../../src/config/load-settings.ts';
import { issueAuthority, issueLeaf, keyIdentifier } from '../../src/identity/certificates/certificate.ts';
import { generateKeys } from '../../src/identity/certificates/key-pair.ts';
import { fixedCertificate } from '../../src/identity/served-certificate.ts';
import { machineNames, openServerCertificate } from '../../src/identity/server-certificate.ts';
import { openApiFixture } from './api-fixture.ts';

const ports = {
  'apiServer.http.port': 0,
  'apiServer.http.interface': '127.0.0.1',
  'apiServer.https.port': 0,
  'apiServer.https.interface': '127.0.0.1',
};

function workDirectory(context: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'api-'));
  context.after(() => rmSync(directory, { recursive: true }));
  return directory;
}

async function openServer(
  context: TestContext,
  settings: Readonly<Record<string, unknown>> = {},
  options: Pick<ApiOptions, 'certificateLog' | 'sharedPorts'> = {},
) {
  const certificate = await openServerCertificate(workDirectory(context), machineNames());
  const fixture = openApiFixture({ ...ports, ...settings });
  const api = openApi({ ...fixture.options, ...options, certificate: fixedCertificate(certificate) });
  await api.start();
  context.after(() => api.stop());
  return { ...fixture, api, certificate };
}

/** Sends bytes and gives back all that comes until the server closes. */
function exchange(api: ApiComponent, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(api.ports.http ?? 0, '127.0.0.1', () => socket.write(text));
    let received = '';
    socket.setEncoding('utf8');
    socket.on('data', (part) => {
      received += part;
    });
    socket.on('close', () => resolve(received));
    socket.on('error', (error) => (received === '' ? reject(error) : resolve(received)));
  });
}

const get = (path: string, host = '127.0.0.1') => `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;

test('HTTP and HTTPS answer the same, the latter with the certificate it was given', async (context) => {
  const { api, certificate } = await openServer(context);
  assert.match(await exchange(api, get('/who-am-i')), /mesh-system:admin/);
  assert.match(await askTls(api, certificate.certificate), /mesh-system:admin/);
});

test('path tricks on the wire get a 4xx and reach nothing', async (context) => {
  const { api, bugs } = await openServer(context);
  const tricks = [
    '/meshes/default/dataplanes/%2e%2e',
    '/meshes/../../etc/passwd',
    '/meshes/%2e%2e/%2e%2e/config',
    '//evil.example/meshes',
    '/%',
    '/meshes/%zz',
    '/meshes/a%00',
  ];
  for (const path of tricks) {
    assert.match(await exchange(api, get(path)), /^HTTP\/1\.1 4\d\d /, path);
  }
  assert.match(
    await exchange(api, 'GET /meshes HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n'),
    /^HTTP\/1\.1 (400|200) /,
  );
  assert.match(await exchange(api, 'BREW /coffee HTCPCP/1.0\r\n\r\n'), /^HTTP\/1\.1 400 /);
  assert.match(
    await exchange(api, get('/meshes').replace('\r\n\r\n', `\r\nX: ${'x'.repeat(40_000)}\r\n\r\n`)),
    /^HTTP\/1\.1 431 /,
  );
  assert.deepEqual(bugs, []);
});

test('a client that is slow with its headers, or with its body, is sent away', async (context) => {
  const { api } = await openServer(context, { 'apiServer.readHeaderTimeout': 50, 'apiServer.readTimeout': 100 });
  assert.match(await exchange(api, 'GET /meshes HTTP/1.1\r\nHost: 127.0.0.1\r\n'), /^HTTP\/1\.1 408 /);
  const slowBody =
    'PUT /meshes/a HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{';
  assert.match(await exchange(api, slowBody), /^HTTP\/1\.1 408 /);
  assert.match(await exchange(api, get('/meshes')), /^HTTP\/1\.1 200 /);
});

test('a port that is shared with other processes sends slow clients away too', async (context) => {
  const { api, certificate } = await openServer(
    context,
    { 'apiServer.readHeaderTimeout': 50, 'apiServer.readTimeout': 100 },
    { sharedPorts: true },
  );
  assert.match(await exchange(api, 'GET /meshes HTTP/1.1\r\nHost: 127.0.0.1\r\n'), /^HTTP\/1\.1 408 /);
  assert.match(await exchange(api, ''), /^HTTP\/1\.1 408 /, 'nothing at all is slow, too');
  assert.match(await exchange(api, get('/who-am-i')), /mesh-system:admin/);
  assert.match(await askTls(api, certificate.certificate), /mesh-system:admin/);
});

test('a shared port that ends waits for what is being answered, and for no connection that idles', async () => {
  const { apiServer } = defaultSettings(ports);
  const answers: (() => void)[] = [];
  const handle: RequestListener = ({ url }, response) => {
    if (url === '/slow') answers.push(() => response.end('late'));
    else response.end('now');
  };
  const server = await openHttpServer(apiServer, handle, true);
  const open = (path: string) => {
    const socket = connect(server.port, '127.0.0.1');
    socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`);
    return { socket, answer: once(socket, 'data').then(([part]) => String(part)), closed: once(socket, 'close') };
  };
  const [idle, slow] = [open('/'), open('/slow')];
  assert.match(await idle.answer, /now$/);
  while (answers.length === 0) await pause(5);
  // A grace for which no test waits: what idles must go without it.
  const closed = server.close(2 ** 31 - 1);
  await idle.closed;
  answers[0]?.();
  assert.match(await slow.answer, /late$/);
  await Promise.all([slow.closed, closed]);
});

test('many large bodies at once find no room, small ones do', async (context) => {
  const { api } = await openServer(context);
  const head = (length: number) =>
    `PUT /meshes/a HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`;
  const slow = Array.from({ length: 64 }, () => connect(api.ports.http ?? 0, '127.0.0.1'));
  await Promise.all(
    slow.map(
      (socket) =>
        new Promise<void>((resolve) => {
          socket.on('error', () => undefined);
          socket.write(`${head(1024 * 1024)}{`, () => resolve());
        }),
    ),
  );
  let refused = '';
  // The server may not have read all of the heads yet.
  for (let attempt = 0; attempt < 100 && !refused.includes(' 503 '); attempt += 1)
    refused = await exchangeOnce(api, head(1024 * 1024));
  assert.match(refused, /^HTTP\/1\.1 503 .*retry-after: 1.*too many large requests/is);
  const body = JSON.stringify({ type: 'Mesh', name: 'a' });
  assert.match(await exchangeOnce(api, head(body.length) + body), /^HTTP\/1\.1 201 /);
  for (const socket of slow) socket.destroy();
});

/** As `exchange`, but content with the first piece of an answer, or with none within a moment. */
function exchangeOnce(api: ApiComponent, text: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(api.ports.http ?? 0, '127.0.0.1', () => socket.write(text));
    const end = (received: string): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(received);
    };
    const timer = setTimeout(() => end(''), text.endsWith('}') ? 10_000 : 200);
    socket.setEncoding('utf8');
    socket.on('data', (part) => end(String(part)));
    socket.on('error', () => end(''));
  });
}

test('a chunked body over the limit is cut off with 413', async (context) => {
  const { api } = await openServer(context);
  const chunk = `${(65_536).toString(16)}\r\n${'a'.repeat(65_536)}\r\n`;
  const head =
    'PUT /meshes/a HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n';
  assert.match(await exchange(api, head + chunk.repeat(20)), /^HTTP\/1\.1 413 /);
});

test('a client that goes away in the middle of its body is not taken for a bug', async (context) => {
  const { api, bugs } = await openServer(context);
  const head =
    'PUT /meshes/a HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n';
  await new Promise<void>((resolve) => {
    const socket = connect(api.ports.http ?? 0, '127.0.0.1', () =>
      socket.write(`${head}{"type"`, () => socket.destroy()),
    );
    socket.on('close', () => resolve());
  });
  for (let round = 0; round < 3; round++) assert.match(await exchange(api, get('/meshes')), /^HTTP\/1\.1 200 /);
  assert.deepEqual(bugs, []);
});

test('a port that is taken is an error that names the setting', async (context) => {
  const { api } = await openServer(context);
  const { options } = openApiFixture({
    ...ports,
    'apiServer.http.port': api.ports.http,
    'apiServer.https.enabled': false,
  });
  await assert.rejects(openApi(options).start(), /KUMA_API_SERVER_HTTP_PORT/);
});

test('a client certificate of the configured authority makes the administrator, where that is asked for', async (context) => {
  const directory = workDirectory(context);
  const authority = await makeAuthority('clients');
  const foreign = await makeAuthority('foreign');
  writeFileSync(join(directory, 'ca.pem'), authority.certificate);
  const { api, certificate } = await openServer(context, {
    'apiServer.authn.type': 'adminClientCerts',
    'apiServer.authn.localhostIsAdmin': false,
    'apiServer.auth.clientCertsDir': directory,
  });
  const client = await authority.issue();
  assert.match(await askTls(api, certificate.certificate), /mesh-system:anonymous/);
  assert.match(await askTls(api, certificate.certificate, client), /mesh-system:admin"/);
  assert.match(await askTls(api, certificate.certificate, await foreign.issue()), /mesh-system:anonymous/);
});

test('the folder of client authorities is followed: who comes and goes with its files needs no restart', async (context) => {
  const directory = workDirectory(context);
  const [first, second] = await Promise.all([makeAuthority('first'), makeAuthority('second')]);
  writeFileSync(join(directory, 'first.pem'), first.certificate);
  const warnings: string[] = [];
  const certificateLog = { info: () => undefined, warn: (message: string) => void warnings.push(message) };
  const settings = {
    'apiServer.authn.type': 'adminClientCerts',
    'apiServer.authn.localhostIsAdmin': false,
    'apiServer.auth.clientCertsDir': directory,
  };
  const { api, certificate } = await openServer(context, settings, { certificateLog });
  const [ofFirst, ofSecond] = await Promise.all([first.issue(), second.issue()]);
  // What is open does not outlive what has made it an administrator's.
  const agent = new Agent({ keepAlive: true });
  context.after(() => agent.destroy());
  const kept = () => askTls(api, certificate.certificate, { ...ofFirst, agent });
  assert.match(await kept(), /mesh-system:admin"/);
  assert.match(await askTls(api, certificate.certificate, ofSecond), /mesh-system:anonymous/);
  writeFileSync(join(directory, 'second.pem'), second.certificate);
  await until(async () => /mesh-system:admin"/.test(await askTls(api, certificate.certificate, ofSecond)));
  rmSync(join(directory, 'first.pem'));
  await until(async () => /mesh-system:anonymous/.test(await askTls(api, certificate.certificate, ofFirst)));
  assert.match(await kept(), /mesh-system:anonymous/);
  assert.deepEqual(warnings, []);
  // A folder that is empty for a moment locks nobody out.
  rmSync(join(directory, 'second.pem'));
  await until(async () => warnings.length > 0);
  assert.match(await askTls(api, certificate.certificate, ofSecond), /mesh-system:admin"/);
});

test('a file among client authorities that holds no certificate is refused by its name', async (context) => {
  const directory = workDirectory(context);
  writeFileSync(join(directory, 'notes.pem'), 'no certificate');
  const { options } = openApiFixture({
    ...ports,
    'apiServer.authn.type': 'adminClientCerts',
    'apiServer.auth.clientCertsDir': directory,
  });
  await assert.rejects(openApi(options).start(), /apiServer\.auth\.clientCertsDir: cannot read .*notes\.pem/);
});

async function until(isSo: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 30_000;
  while (!(await isSo())) {
    assert.ok(Date.now() < end, 'nothing has changed');
    await pause(100);
  }
}

/** DER of a name of just a common name. */
function subjectOf(commonName: string): Buffer {
  return sequence(set(sequence(objectIdentifier('2.5.4.3'), utf8String(commonName))));
}

async function makeAuthority(commonName: string) {
  const { privateKey: pem, publicKey } = await generateKeys({ kind: 'p256' });
  const privateKey = createPrivateKey(pem);
  const validity = { notBefore: Date.now() - 60_000, notAfter: Date.now() + 3_600_000 };
  const issuer = { privateKey, subject: subjectOf(commonName), keyId: keyIdentifier(publicKey) };
  return {
    certificate: await issueAuthority({ commonName, publicKey, privateKey, validity }),
    async issue(): Promise<{ readonly cert: string; readonly key: string }> {
      const keys = await generateKeys({ kind: 'p256' });
      const leaf = {
        commonName: 'client',
        names: {},
        publicKey: keys.publicKey,
        usages: ['clientAuth'],
        validity,
      } as const;
      return { cert: await issueLeaf(leaf, issuer), key: keys.privateKey };
    },
  };
}

function askTls(
  api: ApiComponent,
  ca: string,
  client: { readonly cert?: string; readonly key?: string; readonly agent?: Agent } = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port: api.ports.https, path: '/who-am-i', ca, agent: false, ...client };
    const asked = request(options, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part) => {
        text += part;
      });
      response.on('end', () => resolve(text));
    });
    asked.on('error', reject);
    asked.end();
  });
}
