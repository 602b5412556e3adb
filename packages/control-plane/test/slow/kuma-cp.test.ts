// The program itself: its commands, its errors, its life from start to signal, on a machine with nothing but loopback.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';

const program = join(import.meta.dirname, '../../src/main.ts');
const folder = mkdtempSync(join(tmpdir(), 'ursa-kuma-cp-'));
after(() => rmSync(folder, { recursive: true }));

const settings = {
  KUMA_API_SERVER_HTTP_PORT: '0',
  KUMA_API_SERVER_HTTPS_PORT: '0',
  KUMA_DP_SERVER_PORT: '0',
  KUMA_DIAGNOSTICS_SERVER_PORT: '0',
};

function kumaCp(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  return spawnSync(process.execPath, [program, ...args], {
    env: { PATH: process.env.PATH, HOME: folder, ...env },
    encoding: 'utf8',
  });
}

test('version says what it is, and with -a what it runs on', () => {
  assert.match(kumaCp(['version']).stdout, /^Ursa: \d+\.\d+\.\d+\n$/);
  assert.match(kumaCp(['version', '-a']).stdout, /Runtime: Node\.js .*\nEnvoy API: 1\.40\.0\n/);
});

test('there is nothing to migrate in a store that migrates itself', () => {
  const { status, stdout } = kumaCp(['migrate', 'up']);
  assert.equal(status, 0);
  assert.match(stdout, /nothing to migrate/);
});

test('wrong settings, files and flags end the program with what is wrong, and no stack', () => {
  const bad = join(folder, 'bad.yaml');
  writeFileSync(bad, 'apiServer:\n  htp: {}\n');
  for (const [args, env, text] of [
    [
      ['run'],
      { KUMA_API_SERVER_HTTP_PROT: '1' },
      'KUMA_API_SERVER_HTTP_PROT: unknown name in the environment; did you mean KUMA_API_SERVER_HTTP_PORT?',
    ],
    [['run', '-c', bad], {}, 'apiServer.htp: unknown key; did you mean apiServer.http?'],
    [['run', '-c', join(folder, 'none.yaml')], {}, '-c: cannot read'],
    [['run'], { KUMA_DP_SERVER_AUTH_TYPE: 'none' }, 'use KUMA_DP_SERVER_AUTHN_DP_PROXY_TYPE and'],
    [['run'], { KUMA_MODE: 'global' }, 'mode (KUMA_MODE): a global control plane comes with multi-zone'],
    [['run'], { KUMA_GENERAL_WORK_DIR: '/dev/null/x' }, 'cannot open the store file /dev/null/x/store.db'],
    [['--log-level=debug', 'run', `-c=${bad}`], {}, 'apiServer.htp: unknown key'],
    [['run', '--log-level', 'loud'], {}, 'Allowed choices are off, error, warn, info, debug'],
    [['run', '--log-output-path', folder], settings, '--log-output-path: cannot open'],
  ] as const) {
    const { status, stderr } = kumaCp(args, env);
    assert.equal(status, 1, args.join(' '));
    assert.ok(stderr.includes(text), stderr);
    assert.ok(!stderr.includes('    at '), stderr);
  }
});

test('it goes on when the reader of its log goes away', async (context) => {
  const child = spawn(process.execPath, [program, 'run', '--log-level', 'debug'], {
    env: { PATH: process.env.PATH, HOME: mkdtempSync(join(folder, 'home-')), ...settings },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  context.after(() => void child.kill('SIGKILL'));
  let ports: Readonly<Record<string, number>> | undefined;
  for await (const line of createInterface({ input: child.stdout })) {
    const entry = JSON.parse(line) as { msg: string; ports: Readonly<Record<string, number>> };
    if (entry.msg !== 'the control plane is running') continue;
    ports = entry.ports;
    break;
  }
  child.stdout.destroy();
  const logging = `http://127.0.0.1:${ports?.diagnostics}/logging`;
  for (const level of ['info', 'debug', 'info']) {
    const body = JSON.stringify({ component: 'main', level });
    assert.equal((await fetch(logging, { method: 'PUT', body })).status, 200);
  }
  child.kill('SIGTERM');
  assert.deepEqual(await once(child, 'exit'), [0, null]);
});

/** A control plane in a network namespace of its own, in which only loopback exists; every request is made from within. */
const isolated = spawnSync('unshare', ['-n', 'true']).status === 0;
const skip = isolated ? false : 'network namespaces cannot be made here';

test('without settings it runs on a machine with loopback only, and stops at SIGTERM with everything kept', {
  skip,
}, async (context) => {
  const start = async () => {
    const script = 'ip link set lo up && exec "$@"';
    const child = spawn('unshare', ['-n', 'sh', '-c', script, 'sh', process.execPath, program, 'run'], {
      env: { PATH: process.env.PATH, HOME: folder },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    context.after(() => void child.kill('SIGKILL'));
    const lines = createInterface({ input: child.stdout });
    for await (const line of lines) {
      const { msg, ports } = JSON.parse(line) as { msg: string; ports: Readonly<Record<string, number>> };
      if (msg === 'the control plane is running') return { child, ports };
    }
    return assert.fail('it ended before it served');
  };
  const within = (pid: number | undefined, ...command: string[]) =>
    spawnSync('nsenter', ['-n', '-t', String(pid), ...command], { encoding: 'utf8' }).stdout;
  const ask = (pid: number | undefined, url: string) =>
    within(
      pid,
      process.execPath,
      '-e',
      `fetch('${url}').then((answer) => answer.text()).then((text) => console.log(text))`,
    );

  const first = await start();
  assert.deepEqual(first.ports, { http: 5681, https: 5682, dpServer: 5678, diagnostics: 5680 });
  const meshes = ask(first.child.pid, 'http://127.0.0.1:5681/meshes');
  assert.match(meshes, /"name": "default"/);
  const ended = once(first.child, 'exit');
  first.child.kill('SIGTERM');
  assert.deepEqual(await ended, [0, null]);

  const second = await start();
  const created = (text: string) => /"creationTime": "([^"]+)"/.exec(text)?.[1];
  assert.equal(created(ask(second.child.pid, 'http://127.0.0.1:5681/meshes')), created(meshes));
  second.child.kill('SIGINT');
  assert.deepEqual(await once(second.child, 'exit'), [0, null]);
});
