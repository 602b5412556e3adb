// Secrets at rest, with the program itself: a canary is in nothing that it leaves behind or tells, and without the right key it does not start.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';

const program = join(import.meta.dirname, '../../src/main.ts');
const canary = 'canary-a3f7-in-a-secret';
const encoded = Buffer.from(canary).toString('base64');
const forms = [canary, encoded, encoded.slice(0, 20)];

function openHome(context: TestContext) {
  const home = mkdtempSync(join(tmpdir(), 'ursa-at-rest-'));
  context.after(() => rmSync(home, { recursive: true }));
  const keyFile = (name: string, ...keys: readonly Buffer[]): string => {
    const file = join(home, name);
    writeFileSync(file, `${keys.map((key) => key.toString('base64')).join('\n')}\n`, { mode: 0o600 });
    return file;
  };
  const workDir = join(home, 'work');
  const env = (more: Readonly<Record<string, string>>) => ({
    PATH: process.env.PATH,
    HOME: home,
    KUMA_GENERAL_WORK_DIR: workDir,
    KUMA_API_SERVER_HTTP_PORT: '0',
    KUMA_API_SERVER_HTTPS_PORT: '0',
    KUMA_DP_SERVER_PORT: '0',
    KUMA_DIAGNOSTICS_SERVER_PORT: '0',
    ...more,
  });
  return {
    keyFile,
    files: () =>
      readdirSync(workDir, { withFileTypes: true, recursive: true })
        .filter((entry) => entry.isFile())
        .map(({ parentPath, name }) => [name, readFileSync(join(parentPath, name), 'latin1')] as const),
    refuses(more: Readonly<Record<string, string>>): string {
      const { status, stderr } = spawnSync(process.execPath, [program, 'run'], {
        env: env(more),
        encoding: 'utf8',
        timeout: 60_000,
      });
      assert.equal(status, 1, stderr);
      return stderr;
    },
    async start(more: Readonly<Record<string, string>>) {
      const child = spawn(process.execPath, [program, 'run', '--log-level', 'debug'], {
        env: env(more),
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      context.after(() => child.kill('SIGKILL'));
      let output = '';
      child.stderr.on('data', (text) => {
        output += text;
      });
      const ports = await new Promise<Readonly<Record<string, number>>>((resolve, reject) => {
        createInterface({ input: child.stdout }).on('line', (line) => {
          output += `${line}\n`;
          const entry = JSON.parse(line) as { msg: string; ports: Readonly<Record<string, number>> };
          if (entry.msg === 'the control plane is running') resolve(entry.ports);
        });
        child.once('exit', () => reject(new Error(`it ended before it served: ${output}`)));
      });
      const ask = async (
        method: string,
        url: string,
        body?: unknown,
        headers: Readonly<Record<string, string>> = {},
      ) => {
        const answer = await fetch(`http://127.0.0.1:${ports.http}${url}`, {
          method,
          headers: { 'content-type': 'application/json', ...headers },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        });
        return { status: answer.status, text: await answer.text() };
      };
      return {
        ask,
        ports,
        output: () => output,
        async stop() {
          const ended = once(child, 'exit');
          child.kill('SIGTERM');
          assert.deepEqual(await ended, [0, null]);
        },
      };
    },
  };
}

function assertClean(what: string, text: string): void {
  for (const form of forms) assert.ok(!text.includes(form), `a secret is in ${what}`);
}

test('a canary is in no file, log, answer or dump, and comes back to whoever may read it', async (context) => {
  const home = openHome(context);
  const [first, second] = [randomBytes(32), randomBytes(32)];
  const settings = {
    KUMA_STORE_ENCRYPTION_KEY_FILE: home.keyFile('key', first),
    KMESH_ACCESS_AUDIT_BACKENDS: join(tmpdir(), `ursa-audit-${process.pid}.log`),
  };
  context.after(() => rmSync(settings.KMESH_ACCESS_AUDIT_BACKENDS, { force: true }));
  const secret = { type: 'Secret', mesh: 'default', name: 'canary', data: encoded };
  const path = '/meshes/default/secrets/canary';
  let running = await home.start(settings);
  assert.equal((await running.ask('PUT', path, secret)).status, 201);
  const stranger = { 'x-forwarded-for': '192.0.2.1' };
  for (const [method, url, body] of [
    ['GET', path],
    ['GET', '/secrets'],
    ['GET', '/config'],
    ['GET', '/meshes'],
    ['POST', '/_diff', { resources: [{ ...secret, data: Buffer.from('other').toString('base64') }] }],
    ['PUT', path, { ...secret, data: `${canary} is no base64` }],
  ] as const)
    assertClean(`${method} ${url}`, (await running.ask(method, url, body, stranger)).text);
  assertClean('the settings', (await running.ask('GET', '/config')).text);
  assertClean('the log it shows', (await running.ask('GET', '/_log')).text);
  for (const page of ['metrics', 'ready', 'logging'])
    assertClean(page, await (await fetch(`http://127.0.0.1:${running.ports.diagnostics}/${page}`)).text());
  for (const [name, content] of home.files()) assertClean(`${name} while it runs`, content);
  await running.stop();
  assertClean('the log', running.output());
  assertClean('the audit', readFileSync(settings.KMESH_ACCESS_AUDIT_BACKENDS, 'utf8'));
  for (const [name, content] of home.files()) {
    assertClean(name, content);
    assert.ok(!content.includes(first.toString('base64')), `the key is in ${name}`);
  }

  assert.match(home.refuses({}), /the store is encrypted.*KUMA_STORE_ENCRYPTION_KEY_FILE/);
  assert.match(
    home.refuses({ KUMA_STORE_ENCRYPTION_KEY_FILE: home.keyFile('wrong', second) }),
    /none of those in .*add that key as a further line/,
  );
  assert.match(home.refuses({ KUMA_STORE_ENCRYPTION_KEY_FILE: '/nowhere' }), /cannot read \/nowhere/);

  running = await home.start({ KUMA_STORE_ENCRYPTION_KEY_FILE: home.keyFile('both', second, first) });
  await running.stop();
  running = await home.start({ KUMA_STORE_ENCRYPTION_KEY_COMMAND: `cat,${home.keyFile('new', second)}` });
  assert.match((await running.ask('GET', path)).text, new RegExp(encoded));
  await running.stop();
});
