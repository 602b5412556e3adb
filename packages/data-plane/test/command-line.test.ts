// The command line, readiness and waiting: what a user types and reads.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { runCommandLine } from '../src/cli.ts';
import { createLog } from '../src/log.ts';
import { openReadinessReporter, type Readiness } from '../src/readiness.ts';
import { waitUntilReady } from '../src/wait-until-ready.ts';
import { openWorkDir } from '../src/work-dir.ts';

const silent = createLog({ level: 'off', format: 'text', write: () => undefined });

async function run(
  args: readonly string[],
  environment: NodeJS.ProcessEnv = {},
): Promise<{ code: number; output: string }> {
  let output = '';
  const write = (text: string): void => {
    output += text;
  };
  const never = new AbortController().signal;
  const code = await runCommandLine(args, {
    environment,
    workingFolder: tmpdir(),
    isTerminal: false,
    write,
    writeError: write,
    stopSignal: never,
    hurrySignal: never,
  });
  return { code, output };
}

test('a flag that does not exist is refused with the one that was meant', async () => {
  const { code, output } = await run(['run', '--dataplan-file', 'x']);
  assert.equal(code, 1);
  assert.match(output, /unknown option '--dataplan-file'.*Did you mean --dataplane-file/s);
});

test('wrong values are refused one a line, by flag and by variable', async () => {
  const { code, output } = await run(['run', '--drain-time', '-3s', '--skip-verify=maybe'], {
    KUMA_DATAPLANE_RUNTIME_CONCURRENCY: '-1',
  });
  assert.equal(code, 1);
  assert.deepEqual(output.trim().split('\n').sort(), [
    'kuma-dp: --drain-time: expected a positive duration such as 30s or 1m30s, got "-3s"',
    'kuma-dp: --skip-verify: expected true or false, got "maybe"',
    'kuma-dp: KUMA_DATAPLANE_RUNTIME_CONCURRENCY: expected a whole number from 0 to 1024, got "-1"',
  ]);
});

test('short flags may have an equals sign before their value', async () => {
  const { output } = await run(['--log-level', 'off', 'run', '-d=/nope/dp.yaml', '-v=name=web-1']);
  assert.match(output, /^kuma-dp: --dataplane-file: \/nope\/dp\.yaml cannot be read/m);
});

test('without a resource, mesh and name have to be given', async () => {
  const { code, output } = await run(['--log-level', 'off', 'run', '--skip-verify']);
  assert.equal(code, 1);
  assert.match(output, /^kuma-dp: --name and --mesh are missing: .*--dataplane-file$/m);
});

test('what goes with --service is refused without it, by the name of what is missing or contradicts it', async () => {
  const refusal = async (...args: readonly string[]): Promise<string> => {
    const { code, output } = await run(['--log-level', 'off', 'run', '--skip-verify', ...args]);
    assert.equal(code, 1);
    return output;
  };
  assert.match(await refusal('--port', '80'), /^kuma-dp: --service is missing: .*; --port goes with it$/m);
  assert.match(
    await refusal('--mesh', 'm', '--name', 'n', '--calls', 'api'),
    /^kuma-dp: --service is missing: .*; --calls goes with it$/m,
  );
  assert.match(
    await refusal('--dataplane-file', 'missing.yaml', '--protocol', 'http'),
    /^kuma-dp: --protocol: it goes with --service, .* leave one of them out$/m,
  );
});

test('the log flags are understood before and after the command, as the peer does', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'kuma-dp-test-'));
  const file = join(folder, 'kuma-dp.log');
  for (const args of [
    [
      '--log-level',
      'warn',
      '--log-output-path',
      file,
      'run',
      '--skip-verify',
      '--mesh',
      'm',
      '--name',
      'n',
      '--binary-path',
      './none',
    ],
    [
      'run',
      '--skip-verify',
      '--mesh',
      'm',
      '--name',
      'n',
      '--binary-path',
      './none',
      '--log-level=warn',
      '--log-output-path',
      file,
    ],
  ]) {
    const { code, output } = await run(args);
    assert.equal(code, 1);
    assert.match(output, /^kuma-dp: --binary-path: there is no Envoy at .*none/);
  }
  assert.equal(readFileSync(file, 'utf8').trim().split('\n').length, 2);
  assert.match((await run(['--log-output-path', folder, 'run'])).output, /--log-output-path: .* cannot be written/);
  rmSync(folder, { recursive: true });
});

test('version and help answer', async () => {
  assert.match((await run(['version'])).output, /^Ursa: \d+\.\d+\.\d+\n$/);
  assert.match((await run(['version', '-a'])).output, /\nEnvoy: 1\.\d+\.\d+\nRuntime: \S+ \d/);
  const { code, output } = await run(['run', '--help']);
  assert.doesNotMatch(output, /preset/);
  assert.equal(code, 0);
  assert.match(output, /--ca-cert-file <path>.*KUMA_CONTROL_PLANE_CA_CERT_FILE/s);
});

test('readiness takes a free port when the usual one is taken, but not instead of one that was asked for', async () => {
  const first = await openReadinessReporter({ port: 0, portGiven: false, state: async () => 'READY' });
  const second = await openReadinessReporter({ port: first.port, portGiven: false, state: async () => 'READY' });
  assert.notEqual(second.port, first.port);
  await assert.rejects(
    openReadinessReporter({ port: first.port, portGiven: true, state: async () => 'READY' }),
    new RegExp(`KUMA_READINESS_PORT: 127\\.0\\.0\\.1:${first.port} is in use by another process`),
  );
  await Promise.all([first.close(), second.close()]);
});

test('readiness tells ready, not yet and no longer apart', async () => {
  let state: Readiness = 'NOT_READY';
  const reporter = await openReadinessReporter({ port: 0, portGiven: false, state: async () => state });
  const ask = async (path = '/ready'): Promise<string> => {
    const response = await fetch(`http://127.0.0.1:${reporter.port}${path}`);
    return `${response.status} ${await response.text()}`;
  };
  assert.equal(await ask(), '503 NOT_READY');
  state = 'READY';
  assert.equal(await ask(), '200 READY');
  state = 'TERMINATING';
  assert.equal(await ask(), '503 TERMINATING');
  assert.match(await ask('/config_dump'), /^404 /);
  await reporter.close();
});

test('wait returns when the proxy is ready, over TCP and over a Unix socket', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'kuma-dp-test-'));
  const socket = join(folder, 'ready.sock');
  let asked = 0;
  const server = createServer((_, response) => response.writeHead(++asked < 3 ? 503 : 200).end());
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  const options = {
    url: 'http://localhost:9901/ready',
    unixSocket: socket,
    timeout: 60_000,
    checkFrequency: 1,
    requestTimeout: 1000,
    log: silent,
  };
  await waitUntilReady(options);
  assert.equal(asked, 3);
  await new Promise<void>((resolve) => server.close(() => resolve()));
  await assert.rejects(waitUntilReady({ ...options, timeout: 1, checkFrequency: 2 }), /not ready within 1ms: /);
  await assert.rejects(
    waitUntilReady({ ...options, unixSocket: '', url: 'http://localhost:1/ready', timeout: 1, checkFrequency: 2 }),
    /nothing listens at localhost:1/,
  );
  await assert.rejects(waitUntilReady({ ...options, url: 'http://example.com/ready' }), /the host must be this one/);
  rmSync(folder, { recursive: true });
});

test('a work directory too deep for Unix sockets is refused by its flag', () => {
  const folder = join(tmpdir(), 'x'.repeat(90));
  assert.throws(
    () => openWorkDir(folder, ['kuma-envoy-admin.sock']),
    /--work-dir: .* is too long for Unix sockets by \d+ characters/,
  );
  rmSync(folder, { recursive: true });
  const temporary = openWorkDir('', ['a.sock']);
  temporary.remove();
});
