// What kumactl says when a control plane refuses, is not there, or is something else.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { issueSelfSigned } from '../src/self-signed-certificate.ts';
import { type CommandResult, openStubServer, run, type StubAnswer } from './terminal.ts';

const folder = mkdtempSync(join(tmpdir(), 'kumactl-api-'));
after(() => rmSync(folder, { recursive: true }));

const secret = 'eyJhbGciOi.secret-token.signature';

/** Runs a command against an address, with a token in the configuration. */
async function runAgainst(url: string, args: readonly string[], coordinates: object = {}): Promise<CommandResult> {
  const configFile = join(folder, 'config');
  const apiServer = { url, authType: 'tokens', authConf: { token: secret }, ...coordinates };
  writeFileSync(
    configFile,
    JSON.stringify({
      controlPlanes: [{ name: 'stub', coordinates: { apiServer } }],
      contexts: [{ name: 'stub', controlPlane: 'stub' }],
      currentContext: 'stub',
    }),
  );
  const result = await run(['--config-file', configFile, ...args]);
  assert.ok(!result.stderr.includes('secret-token'), 'an error shows the token');
  return result;
}

/** Asserts that the command failed with the text on standard error and nothing on standard output. */
function assertFailed(result: CommandResult, text: RegExp): void {
  assert.equal(result.code, 1, result.stderr);
  assert.equal(result.stdout, '');
  assert.match(result.stderr, /^Error: /);
  assert.match(result.stderr, text);
}

async function failureOf(answer: StubAnswer, args: readonly string[] = ['get', 'meshes']): Promise<CommandResult> {
  const server = await openStubServer(() => answer);
  try {
    return await runAgainst(server.url, args);
  } finally {
    await server.close();
  }
}

const problem = (status: number, title: string, detail: string): StubAnswer => ({
  status,
  body: { type: '/std-errors', status, title, detail },
});

const answers: readonly [name: string, answer: StubAnswer, text: RegExp][] = [
  [
    '401 says how to give a token',
    problem(401, 'Could not authenticate', 'bad token'),
    /--auth-type tokens --auth-conf/,
  ],
  [
    '403 gives the reason',
    problem(403, 'Access Denied', 'user "jane" may not'),
    /Access Denied \(user "jane" may not\)/,
  ],
  [
    '404 gives the title',
    problem(404, 'Could not retrieve a resource', 'Not found'),
    /retrieve a resource \(Not found\)/,
  ],
  ['412 says to repeat', problem(412, 'Precondition failed', ''), /read it again and repeat/],
  ['413 says what to do', { status: 413, body: 'too large' }, /413 \(too large\); split it/],
  ['503 says to try again', problem(503, 'Not ready', ''), /try again in a moment/],
  [
    'a page of a proxy is not shown',
    { status: 502, body: '<html>Bad gateway</html>' },
    /^Error: GET \/meshes was answered with status 502\n$/,
  ],
  ['a redirect is no success', { status: 302, body: '' }, /status 302/],
  [
    'an answer that is no JSON is named',
    { status: 200, body: 'hello' },
    /not JSON; is http:\/\/127\.0\.0\.1:\d+ a control plane\?/,
  ],
];

for (const [name, answer, text] of answers) {
  test(`of a control plane's refusals, ${name}`, async () => assertFailed(await failureOf(answer), text));
}

test('field errors of a refused read are listed', async () => {
  const body = { title: 'Could not list', detail: '', invalid_parameters: [{ field: 'size', reason: 'too large' }] };
  assertFailed(await failureOf({ status: 400, body }), /Could not list\n\* size: too large\n/);
});

test('where nothing listens, the error says so and names the address', async () => {
  const server = await openStubServer(() => ({}));
  await server.close();
  assertFailed(await runAgainst(server.url, ['get', 'meshes']), /nothing listens there: is the control plane running/);
});

test('a password in the address is not shown', async () => {
  const result = await runAgainst('http://jane:hunter2@127.0.0.1:1', ['get', 'meshes']);
  assertFailed(result, /http:\/\/…@127\.0\.0\.1:1/);
  assert.ok(!result.stderr.includes('hunter2'));
});

test('an address that is no URL is refused before anything is sent', async () => {
  assertFailed(
    await runAgainst('localhost:5681', ['get', 'meshes']),
    /"localhost:5681" is not a URL; expected for example/,
  );
});

test('a control plane that does not answer in time is given up', async () => {
  const server = await openStubServer(() => undefined);
  try {
    const result = await runAgainst(server.url, ['get', 'meshes', '--api-timeout', '50ms']);
    assertFailed(result, /no answer within 0\.05 s \(--api-timeout\)/);
  } finally {
    await server.close();
  }
});

test('a server that closes the connection is reported', async () => {
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  try {
    assertFailed(await runAgainst(`http://127.0.0.1:${port}`, ['get', 'meshes']), /closed before the answer/);
  } finally {
    server.close();
  }
});

/** A server with a certificate for the name, and the file with its CA. */
async function openTlsStub(name: string) {
  const now = Date.now();
  const { certificate, key } = await issueSelfSigned({ type: 'server', names: [name], keyType: 'ecdsa', now });
  const caCertFile = join(folder, `${name}.pem`);
  writeFileSync(caCertFile, certificate);
  const server = await openStubServer(() => ({ body: { total: 0, items: [], next: null } }), {
    cert: certificate,
    key,
  });
  return { server, caCertFile };
}

test('a certificate of an unknown CA is refused, whatever the environment says, with the flag that makes it known', async () => {
  const { server } = await openTlsStub('127.0.0.1');
  const { NODE_TLS_REJECT_UNAUTHORIZED: before } = process.env;
  try {
    for (const said of ['1', '0']) {
      process.env.NODE_TLS_REJECT_UNAUTHORIZED = said;
      assertFailed(await runAgainst(server.url, ['get', 'meshes']), /not trusted: give the CA .*--ca-cert-file/);
    }
    assert.equal(server.requests.length, 0);
  } finally {
    if (before === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    else process.env.NODE_TLS_REJECT_UNAUTHORIZED = before;
    await server.close();
  }
});

test('a certificate for another name is refused', async () => {
  const { server, caCertFile } = await openTlsStub('other.example');
  try {
    assertFailed(await runAgainst(server.url, ['get', 'meshes'], { caCertFile }), /certificate is for another name/);
    assert.equal((await runAgainst(server.url, ['get', 'meshes'], { skipVerify: true })).code, 0);
  } finally {
    await server.close();
  }
});

test('over TLS with the right CA the token is sent', async () => {
  const { server, caCertFile } = await openTlsStub('127.0.0.1');
  try {
    const { code, stderr } = await runAgainst(server.url, ['get', 'meshes'], { caCertFile });
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    assert.equal(server.requests[0]?.headers.authorization, `Bearer ${secret}`);
  } finally {
    await server.close();
  }
});

test('a CA file that is missing or is no certificate is named', async () => {
  const caCertFile = join(folder, 'none.pem');
  assertFailed(
    await runAgainst('https://127.0.0.1:1', ['get', 'meshes'], { caCertFile }),
    /--ca-cert-file of the control plane: cannot read .*none\.pem: it does not exist/,
  );
  writeFileSync(caCertFile, 'hello');
  assertFailed(
    await runAgainst('https://127.0.0.1:1', ['get', 'meshes'], { caCertFile }),
    /--ca-cert-file of the control plane: .*none\.pem holds no CERTIFICATE in PEM/,
  );
});

test('with --log-level debug each request is told on standard error, without headers', async () => {
  const server = await openStubServer(() => ({ body: { total: 0, items: [], next: null } }));
  try {
    const { stderr } = await runAgainst(server.url, ['get', 'meshes', '--log-level', 'debug']);
    assert.match(stderr, /^GET \/meshes: 200, \d+ characters\n$/);
  } finally {
    await server.close();
  }
});

test('what is shown from memory is shown, with a warning on standard error, once', async () => {
  const warning = (age: number): string =>
    `110 kuma-cp "the store is degraded since 2026-11-28T12:00:00.000Z: what is shown is from memory, ${age} s old, writes are refused"`;
  let age = 12;
  const server = await openStubServer(() => ({
    body: { total: 2, items: [{ name: 'a' }], next: age < 14 ? `${server.url}/meshes?offset=1` : null },
    headers: { warning: warning(age++) },
  }));
  const result = await runAgainst(server.url, ['get', 'meshes']);
  await server.close();
  assert.equal(result.code, 0);
  assert.match(result.stdout, /a/);
  assert.equal(
    result.stderr,
    'Warning: the store is degraded since 2026-11-28T12:00:00.000Z: what is shown is from memory, 12 s old, writes are refused\n',
  );
});

test('warnings of caches in between are not shown', async () => {
  const server = await openStubServer(() => ({
    body: { total: 0, items: [], next: null },
    headers: { warning: '110 proxy.example "Response is stale"' },
  }));
  const result = await runAgainst(server.url, ['get', 'meshes']);
  await server.close();
  assert.equal(result.stderr, '');
});

test('a write that the store does not take fails with the cause, and when to try again', async () => {
  const cause = 'the database cannot be reached: connection refused';
  const answer = { ...problem(503, 'Service unavailable', cause), headers: { 'retry-after': '3' } };
  assertFailed(
    await failureOf(answer, ['delete', 'mesh', 'default']),
    /^Error: Service unavailable \(the database cannot be reached: connection refused\); try again in 3 s\n$/,
  );
});
