// The socket by which proxies of the control plane's own host find it: for its own user alone, and never in the way of its start.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { localSocketPath, openLocalJoining } from '../../src/xds/local-joining.ts';

/** A token as the control plane signs them, signature aside. */
const token = `a.${Buffer.from(JSON.stringify({ jti: 'id-1' })).toString('base64url')}.c`;

function setUp(context: TestContext) {
  const workDir = mkdtempSync(join(tmpdir(), 'ursa-local-'));
  context.after(() => rmSync(workDir, { recursive: true }));
  const lines: string[] = [];
  const asked: object[] = [];
  const note = (message: string, fields?: object) => void lines.push(`${message} ${JSON.stringify(fields)}`);
  const open = () => {
    const component = openLocalJoining({
      workDir,
      tokens: {
        issueDataplane: async (subject) => {
          asked.push(subject);
          return token;
        },
      },
      reachable: () => ({ url: 'https://localhost:5678', authority: 'PEM' }),
      tokenValidForSeconds: 60,
      log: { info: note, warn: note },
    });
    context.after(() => component.stop());
    return component;
  };
  return { workDir, path: localSocketPath(workDir), open, lines, asked };
}

function post(
  socketPath: string,
  body: string,
  path = '/join',
  method = 'POST',
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ socketPath, method, path, timeout: 5000 }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

const wish = JSON.stringify({ mesh: 'default', service: 'web', name: 'web-1' });

test('it gives a proxy of this host all it needs, and says so without the token', async (context) => {
  const { path, open, asked, lines } = setUp(context);
  await open().start();
  const { status, text } = await post(path, wish);
  assert.deepEqual(
    [status, JSON.parse(text)],
    [200, { url: 'https://localhost:5678', authority: 'PEM', mesh: 'default', service: 'web', name: 'web-1', token }],
  );
  const tags = { 'kuma.io/service': ['web'] };
  assert.deepEqual(asked, [{ mesh: 'default', name: 'web-1', type: 'dataplane', tags, validForSeconds: 60 }]);
  assert.deepEqual(lines, [
    'a proxy of this host was let in {"mesh":"default","service":"web","name":"web-1","tokenId":"id-1"}',
  ]);
});

test('it tells by what it is verified, to who has a token already', async (context) => {
  const { path, open, asked } = setUp(context);
  await open().start();
  const { status, text } = await post(path, '', '/authority', 'GET');
  assert.deepEqual([status, JSON.parse(text)], [200, { url: 'https://localhost:5678', authority: 'PEM' }]);
  assert.deepEqual(asked, []);
  assert.equal((await post(path, '', '/authority')).status, 404);
});

test('its folder is for its own user alone, also where it was for all before', async (context) => {
  const { path, open } = setUp(context);
  mkdirSync(dirname(path));
  chmodSync(dirname(path), 0o777);
  await open().start();
  assert.equal(statSync(dirname(path)).mode & 0o777, 0o700);
});

test('requests that are none are refused', async (context) => {
  const { path, open } = setUp(context);
  await open().start();
  assert.equal((await post(path, '{')).status, 400);
  assert.equal((await post(path, '{"mesh":"default"}')).status, 422);
  assert.equal((await post(path, `{"mesh":"${'x'.repeat(10_000)}"}`)).status, 400);
  assert.equal((await post(path, wish, '/other')).status, 404);
});

test('a socket that a killed control plane left is replaced; one that is served is left alone', async (context) => {
  const { path, open, lines } = setUp(context);
  mkdirSync(dirname(path));
  const left = spawn(process.execPath, [
    '-e',
    `require('net').createServer().listen(${JSON.stringify(path)}, () => console.log())`,
  ]);
  context.after(() => void left.kill('SIGKILL'));
  await once(left.stdout, 'data');
  const first = open();
  await first.start();
  assert.match(lines.at(-1) ?? '', /do not find this control plane by themselves .*another control plane serves it/);
  left.kill('SIGKILL');
  await once(left, 'exit');
  assert.ok(existsSync(path));
  await open().start();
  assert.equal((await post(path, wish)).status, 200);
});

test('a work directory whose path is too long for sockets stops nothing', async (context) => {
  const { workDir, lines } = setUp(context);
  const component = openLocalJoining({
    workDir: join(workDir, 'x'.repeat(120)),
    tokens: { issueDataplane: async () => token },
    reachable: () => ({ url: '', authority: '' }),
    tokenValidForSeconds: 60,
    log: { info: () => undefined, warn: (message, fields) => void lines.push(message + JSON.stringify(fields)) },
  });
  await component.start();
  await component.stop();
  assert.match(lines[0] ?? '', /the path is longer than 107 characters/);
});
