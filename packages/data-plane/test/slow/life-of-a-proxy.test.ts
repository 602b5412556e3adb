// kuma-dp with a real Envoy and a control plane that only answers bootstraps: start, drain, and every way to die.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openStubControlPlane, staticBootstrap, stubCertificate } from '../fixtures/stub-control-plane.ts';

const folder = mkdtempSync(join(tmpdir(), 'kuma-dp-test-'));
const main = join(import.meta.dirname, '../../src/main.ts');
const dataplaneFile = join(folder, 'dataplane.yaml');
writeFileSync(dataplaneFile, 'type: Dataplane\nmesh: default\nname: {{ name }}\nnetworking: {address: 127.0.0.1}\n');

let listenerPort = 0;
let drainStatus = 200;
const stub = await openStubControlPlane(({ path, body }) =>
  path !== '/bootstrap' ? { status: drainStatus, body: '' } : staticBootstrap(body.workdir, listenerPort),
);
const running = new Set<Proxy>();

afterEach(async () => {
  for (const proxy of running) {
    proxy.child.kill('SIGKILL');
    await proxy.exited;
  }
  running.clear();
  drainStatus = 200;
});
after(async () => {
  await stub.close();
  rmSync(folder, { recursive: true });
});

interface Proxy {
  readonly child: ChildProcess;
  readonly exited: Promise<number | null>;
  readonly port: number;
  output(): string;
  envoyPid(): number;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Starts kuma-dp; `temp` becomes its TMPDIR, so that what it leaves there can be seen. */
async function start(temp: string, extra: readonly string[] = [], port?: number): Promise<Proxy> {
  listenerPort = port ?? (await freePort());
  const args = [
    'run',
    '--cp-address',
    stub.url,
    '--ca-cert-file',
    stubCertificate,
    '-d',
    dataplaneFile,
    '-v',
    'name=web',
    '--concurrency',
    '1',
    ...extra,
  ];
  const child = spawn(process.execPath, [main, ...args], {
    env: { ...process.env, TMPDIR: temp },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  const proxy: Proxy = {
    child,
    exited,
    port: listenerPort,
    output: () => output,
    envoyPid: () => Number(output.match(/"pid":(\d+)/)?.[1] ?? 0),
  };
  running.add(proxy);
  return proxy;
}

async function eventually(what: string, proxy: Proxy, condition: () => Promise<boolean> | boolean): Promise<void> {
  for (let attempt = 0; attempt < 500; attempt += 1) {
    if (await Promise.resolve(condition()).catch(() => false)) return;
    await sleep(20);
  }
  assert.fail(`${what}: not within 10 s\n${proxy.output()}`);
}

async function startServing(temp: string, extra: readonly string[] = []): Promise<Proxy> {
  const proxy = await start(temp, extra);
  await eventually(
    'Envoy serves',
    proxy,
    async () => (await (await fetch(`http://127.0.0.1:${proxy.port}`)).text()) === 'served',
  );
  return proxy;
}

function isAlive(pid: number): boolean {
  try {
    // A process that has ended and waits for its parent is gone for our purpose.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

function temporaryFolder(): string {
  return mkdtempSync(join(folder, 't-'));
}

function readinessPort(proxy: Proxy): number {
  return Number(proxy.output().match(/"readinessPort":(\d+),"msg"/)?.[1]);
}

test('starts Envoy, becomes ready, drains on SIGTERM, and leaves nothing behind', async () => {
  const temp = temporaryFolder();
  const proxy = await startServing(temp);
  const ready = `http://127.0.0.1:${readinessPort(proxy)}/ready`;
  assert.equal(await (await fetch(ready)).text(), 'READY');
  const envoy = proxy.envoyPid();
  proxy.child.kill('SIGTERM');
  await eventually(
    'readiness fails while it drains',
    proxy,
    async () => (await (await fetch(ready)).text()) === 'TERMINATING',
  );
  assert.equal(await (await fetch(`http://127.0.0.1:${proxy.port}`)).text(), 'served', 'who still comes is served');
  assert.equal(await proxy.exited, 0, proxy.output());
  assert.equal(isAlive(envoy), false);
  assert.deepEqual(readdirSync(temp), []);
  assert.equal(stub.requests.at(-1)?.path, '/drain');
});

test('without a control plane that takes it out of service, it drains for the whole drain time', async () => {
  drainStatus = 404;
  const proxy = await startServing(temporaryFolder(), ['--drain-time', '2s']);
  proxy.child.kill('SIGTERM');
  await eventually('it drains', proxy, () => proxy.output().includes('waiting for the drain time'));
  await sleep(1200);
  assert.equal(await (await fetch(`http://127.0.0.1:${proxy.port}`)).text(), 'served', 'Envoy still serves');
  assert.equal(await proxy.exited, 0);
});

test('a second SIGTERM ends it at once', async () => {
  drainStatus = 404;
  const proxy = await startServing(temporaryFolder(), ['--drain-time', '1h']);
  proxy.child.kill('SIGTERM');
  await eventually('it drains', proxy, () => proxy.output().includes('waiting for the drain time'));
  proxy.child.kill('SIGTERM');
  assert.equal(await proxy.exited, 0);
  assert.equal(isAlive(proxy.envoyPid()), false);
});

test('it outlives whoever reads its log', async () => {
  const proxy = await startServing(temporaryFolder());
  proxy.child.stdout?.destroy();
  proxy.child.stderr?.destroy();
  proxy.child.kill('SIGHUP');
  await eventually('it drains', proxy, () => stub.requests.at(-1)?.path === '/drain');
  assert.equal(await (await fetch(`http://127.0.0.1:${proxy.port}`)).text(), 'served');
  assert.equal(await proxy.exited, 0);
});

test('when Envoy dies, kuma-dp ends with its code and says why', async () => {
  const proxy = await startServing(temporaryFolder());
  process.kill(proxy.envoyPid(), 'SIGKILL');
  assert.equal(await proxy.exited, 137);
  assert.match(proxy.output(), /Envoy was ended by SIGKILL; kuma-dp ends with it/);
});

test('when Envoy refuses its bootstrap, its reason is in the log', async () => {
  const proxy = await startServing(temporaryFolder());
  const second = spawn(
    process.execPath,
    [
      main,
      'run',
      '--cp-address',
      stub.url,
      '--ca-cert-file',
      stubCertificate,
      '-d',
      dataplaneFile,
      '-v',
      'name=web',
      '--envoy-component-log-level',
      'nonsense:debug',
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let output = '';
  for (const stream of [second.stdout, second.stderr])
    stream?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise((resolve) => second.once('exit', resolve));
  assert.notEqual(code, 0);
  assert.match(output, /nonsense/);
  assert.equal(isAlive(proxy.envoyPid()), true, 'the other proxy of this host is untouched');
});

test('a port that is taken is named, with what to do', async () => {
  const taken = createServer();
  const first = await startServing(temporaryFolder());
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  listenerPort = (taken.address() as { port: number }).port;
  const second = await start(temporaryFolder(), [], listenerPort);
  assert.notEqual(await second.exited, 0);
  assert.match(
    second.output(),
    new RegExp(`Envoy cannot listen on 127\\.0\\.0\\.1:${listenerPort}: another process does`),
  );
  assert.equal(isAlive(first.envoyPid()), true);
  await new Promise((resolve) => taken.close(resolve));
});

test('a work directory that another proxy uses is refused', async () => {
  const workDir = join(temporaryFolder(), 'work');
  await startServing(temporaryFolder(), ['--work-dir', workDir]);
  const second = await start(temporaryFolder(), ['--work-dir', workDir]);
  assert.equal(await second.exited, 1);
  assert.match(second.output(), /--work-dir: .*work is used by another kuma-dp/);
});

test('after kill -9 of kuma-dp no Envoy is left', async () => {
  const proxy = await startServing(temporaryFolder());
  const envoy = proxy.envoyPid();
  assert.equal(isAlive(envoy), true);
  proxy.child.kill('SIGKILL');
  await proxy.exited;
  await eventually('Envoy is gone', proxy, () => !isAlive(envoy));
});

test('several proxies share a host without choosing ports', async () => {
  const proxies = [
    await startServing(temporaryFolder()),
    await startServing(temporaryFolder()),
    await startServing(temporaryFolder()),
  ];
  const ports = new Set(proxies.map(readinessPort));
  assert.equal(ports.size, 3);
  for (const port of ports) assert.equal(await (await fetch(`http://127.0.0.1:${port}/ready`)).text(), 'READY');
});

test('the bootstrap holds the token, so only its owner may read it', async () => {
  const workDir = join(temporaryFolder(), 'work');
  const proxy = await startServing(temporaryFolder(), ['--work-dir', workDir, '--dataplane-token', 'tok3n-of-web']);
  assert.equal(existsSync(join(workDir, 'kuma-envoy-admin.sock')), true);
  for (const file of ['bootstrap.yaml', 'token']) assert.equal(statSync(join(workDir, file)).mode & 0o777, 0o600, file);
  assert.equal(proxy.output().includes('tok3n-of-web'), false);
});
