// Everything that `kumactl inspect` shows of two real proxies: it is what they have, it moves with traffic, and no secret is in it. Both proxies
// share the port of their admin listeners, as proxies of one host do unless they are told otherwise.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { configDocument, dumpedResources, plainResources } from '../harness/envoy-dump.ts';
import { allow, answers, meshWith, openWorld, programs } from '../harness/world.ts';

const canary = 'the-canary-of-the-inspection-story';
const world = await openWorld();
after(() => world.close());
const { controlPlane } = world;
await controlPlane.apply(meshWith('STRICT'));
await controlPlane.apply(allow('client'));
await controlPlane.apply({
  type: 'Secret',
  mesh: 'default',
  name: 'canary',
  data: Buffer.from(canary).toString('base64'),
});
const backend = await world.start({ service: 'backend' });
const client = await world.start({ service: 'client', calls: ['backend'] });
await answers(client.urlOf('backend'), 200);

interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const shown: string[] = [];
const configFile = join(world.folder, 'kumactl');

function kumactl(...args: readonly string[]): Promise<Run> {
  const [program = '', ...leading] = programs.kumactl;
  return new Promise((resolve) => {
    const all = [...leading, '--config-file', configFile, ...args];
    execFile(program, all, { maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      shown.push(stdout, stderr);
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), stdout, stderr });
    });
  });
}

/** Does as the answer says when Envoy was busy with its listeners at that moment. */
async function inspect(...args: readonly string[]): Promise<string> {
  for (let attempt = 0; ; attempt += 1) {
    const { code, stdout, stderr } = await kumactl('inspect', ...args);
    if (code === 0) return stdout;
    const isTransient = attempt < 5 && stderr.includes('try again in 1 s');
    assert.ok(isTransient, `inspect ${args.join(' ')}: ${stderr}`);
    await sleep(1000);
  }
}

await kumactl('config', 'control-planes', 'add', '--name', 'story', '--address', controlPlane.apiUrl);

test('policies of a proxy name the rule that applies and the policy it is from', async () => {
  const rules = await inspect('dataplane', backend.name);
  assert.match(rules, /MeshTrafficPermission[\s\S]*inbound \d+[^\n]*allow-client/);
  assert.match(rules, /MeshTimeout[\s\S]*mesh-timeout-all-default/);
  assert.match(await inspect('meshtrafficpermission', 'allow-client'), new RegExp(backend.name));
});

test('what Envoy says it has is what _config says it has', async () => {
  for (const { name } of [backend, client]) {
    await waitFor(`${name} has its newest configuration`, async () => {
      const dump = dumpedResources(JSON.parse(await inspect('dataplane', name, '--type', 'config-dump')));
      const config = plainResources(configDocument(await inspect('dataplane', name, '--type', 'config')));
      assert.ok(Object.keys(config.cluster).length > 1 && Object.keys(config.listener).length > 1);
      assert.deepEqual(dump, config);
      return true;
    });
  }
});

test('the same holds after a change', async () => {
  const before = await inspect('dataplane', client.name, '--type', 'config');
  await controlPlane.apply({
    type: 'MeshTimeout',
    mesh: 'default',
    name: 'patience',
    spec: { to: [{ targetRef: { kind: 'Mesh' }, default: { http: { maxStreamDuration: '7s' } } }] },
  });
  await waitFor('Envoy has the change', async () => {
    const config = await inspect('dataplane', client.name, '--type', 'config');
    assert.notEqual(config, before);
    const dump = dumpedResources(JSON.parse(await inspect('dataplane', client.name, '--type', 'config-dump')));
    assert.deepEqual(dump, plainResources(configDocument(config)));
    assert.match(JSON.stringify(dump), /[Mm]axStreamDuration":"7s"/);
    return true;
  });
});

test('a shadow policy changes nothing, and --shadow --include diff says what it would change', async () => {
  await controlPlane.apply({
    type: 'MeshTimeout',
    mesh: 'default',
    name: 'shadow',
    labels: { 'kuma.io/effect': 'shadow' },
    spec: {
      targetRef: { kind: 'Dataplane', labels: { app: 'client' } },
      to: [{ targetRef: { kind: 'Mesh' }, default: { http: { maxStreamDuration: '9s' } } }],
    },
  });
  const diff = await inspect('dataplane', client.name, '--type', 'config', '--shadow', '--include', 'diff');
  assert.match(diff, /maxStreamDuration[\s\S]*"9s"/);
  assert.ok(!(await inspect('dataplane', client.name, '--type', 'config')).includes('"9s"'));
});

test('statistics move with traffic, of the proxy that is named', async () => {
  const requests = async (name: string): Promise<number> => {
    const stats = await inspect('dataplane', name, '--type', 'stats');
    return Number(stats.match(/^cluster\.backend[^\n]*\.upstream_rq_total: (\d+)/m)?.[1] ?? Number.NaN);
  };
  const before = await requests(client.name);
  assert.ok(before > 0);
  for (let count = 0; count < 5; count += 1) await answers(client.urlOf('backend'), 200);
  assert.ok((await requests(client.name)) >= before + 5);
  assert.ok(Number.isNaN(await requests(backend.name)), 'the backend calls nobody');
  const parsed = JSON.parse(await inspect('dataplane', client.name, '--type', 'stats', '-o', 'json'));
  assert.ok(parsed.stats.length > 100);
});

test('clusters show the hosts of a service', async () => {
  const clusters = await inspect('dataplane', client.name, '--type', 'clusters');
  assert.match(clusters, new RegExp(`^backend[^\n]*::127\\.0\\.0\\.1:${backend.inboundPort}::`, 'm'));
  const withEndpoints = await inspect('dataplane', client.name, '--type', 'config-dump', '--include-eds');
  assert.match(withEndpoints, /EndpointsConfigDump/);
});

test('lists say how proxies, services, meshes and zones fare', async () => {
  assert.match(await inspect('dataplanes'), new RegExp(`${client.name} .*Online`));
  await waitFor('insights know both proxies', async () => {
    assert.match(await inspect('meshes'), /default +2\/2/);
    assert.match(await inspect('services'), /backend +Online +1\/1 +internal/);
    return true;
  });
  assert.match(await inspect('zones'), /NAME +STATUS +LAST CONNECTED AGO/);
  assert.match(await inspect('zoneingresses'), /NAME +STATUS .* ZONE +ADDRESS/);
  assert.match(await inspect('zoneegresses'), /NAME +STATUS .* ZONE +ADDRESS/);
});

test('a proxy that is gone is said to be gone, in words that help', async () => {
  await client.proxy.process.stop(30_000);
  const gone = await waitFor('the control plane has noticed', async () => {
    const run = await kumactl('inspect', 'dataplane', client.name, '--type', 'stats');
    return run.code === 0 ? undefined : run;
  });
  assert.equal(gone.code, 1);
  assert.match(gone.stderr, /not connected to this control plane|Could not retrieve Dataplane/);
});

test('no secret was in anything that was shown', () => {
  const tokens = [client, backend].map(({ name }) => readFileSync(join(world.folder, `${name}.token`), 'utf8').trim());
  const all = shown.join('\n');
  for (const secret of [
    canary,
    Buffer.from(canary).toString('base64'),
    'PRIVATE KEY',
    'LS0tLS1CRUdJTiBQUklWQV',
    ...tokens,
  ])
    assert.ok(!all.includes(secret), `${secret.slice(0, 30)} is shown`);
  assert.ok(all.length > 100_000, 'there was something to look through');
});
