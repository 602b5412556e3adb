// `apply --wait` returns when the last Envoy has the change and not before: with a proxy that stands still, and with one that refuses.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, test } from 'node:test';
import { processesWith, processName } from '../harness/processes.ts';
import { answers, type MeshService, openWorld, programs } from '../harness/world.ts';

const world = await openWorld();
after(() => world.close());
const { controlPlane } = world;
await world.start({ service: 'backend' });
const client = await world.start({ service: 'client', calls: ['backend'] });
const other = await world.start({ service: 'other', calls: ['backend'] });
await answers(client.urlOf('backend'), 200);
await answers(other.urlOf('backend'), 200);

interface Ended {
  readonly code: number;
  readonly output: string;
}

function kumactl(args: readonly string[], input = ''): Promise<Ended> {
  const [program = '', ...leading] = programs.kumactl;
  const all = [...leading, ...args];
  return new Promise((resolve) => {
    const running = execFile(program, all, { env: { ...process.env, HOME: world.folder } }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), output: stdout + stderr }),
    );
    running.stdin?.end(input);
  });
}

const timeoutOf = (seconds: number): string =>
  JSON.stringify({
    type: 'MeshTimeout',
    mesh: 'default',
    name: 'patience',
    spec: {
      targetRef: { kind: 'Dataplane' },
      to: [{ targetRef: { kind: 'Mesh' }, default: { connectionTimeout: `${seconds}s` } }],
    },
  });
const logsTo = (path: string): string =>
  JSON.stringify({
    type: 'MeshAccessLog',
    mesh: 'default',
    name: 'log',
    spec: {
      targetRef: { kind: 'Mesh' },
      to: [{ targetRef: { kind: 'Mesh' }, default: { backends: [{ type: 'File', file: { path } }] } }],
    },
  });
const apply = ['apply', '-f', '-', '--wait'];

async function hasTimeout(service: MeshService, seconds: number): Promise<boolean> {
  return (await service.admin('/config_dump')).includes(`"connect_timeout": "${seconds}s"`);
}

function envoyOf(service: MeshService): number {
  const [pid] = processesWith(service.proxy.workDir).filter((candidate) => processName(candidate) === 'envoy');
  assert.ok(pid !== undefined, `no Envoy runs in ${service.proxy.workDir}`);
  return pid;
}

const added = await kumactl([
  'config',
  'control-planes',
  'add',
  '--name',
  'world',
  '--address',
  controlPlane.apiUrl,
  '--overwrite',
]);
assert.equal(added.code, 0, added.output);

test('when it returns, every Envoy has the change', async () => {
  for (const seconds of [41, 42, 43]) {
    const { code, output } = await kumactl(apply, timeoutOf(seconds));
    assert.equal(code, 0, output);
    assert.match(output, /3 of 3 proxies have it/);
    for (const service of [client, other]) assert.ok(await hasTimeout(service, seconds), `${service.name}: ${seconds}`);
  }
});

test('a proxy that stands still is named, and waited for', async () => {
  const pid = envoyOf(other);
  process.kill(pid, 'SIGSTOP');
  try {
    const late = await kumactl([...apply, '--timeout', '2s'], timeoutOf(51));
    assert.equal(late.code, 3, late.output);
    assert.match(late.output, new RegExp(`default/${other.name} is pending`));
    assert.ok(await hasTimeout(client, 51));
    const most = await kumactl([...apply.slice(0, -1), '--wait=60%', '--timeout', '20s'], timeoutOf(52));
    assert.equal(most.code, 0, most.output);
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  const { code, output } = await kumactl(['rollout', 'status', '--wait', '--timeout', '20s']);
  assert.equal(code, 0, output);
  assert.ok(await hasTimeout(other, 52));
});

test('a configuration that Envoy refuses ends the wait early, in its words', async () => {
  const started = performance.now();
  const refused = await kumactl([...apply, '--timeout', '60s'], logsTo('/does/not/exist/access.log'));
  assert.equal(refused.code, 4, refused.output);
  assert.match(refused.output, /(?:refuses listener |which it refuses since ).*(?:unable to open file|No such file)/s);
  assert.ok(performance.now() - started < 55_000, 'it did not wait for the timeout');
  const healed = await kumactl(apply, logsTo('/dev/null'));
  assert.equal(healed.code, 0, healed.output);
});
