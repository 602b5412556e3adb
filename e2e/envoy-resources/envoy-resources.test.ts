// What Envoy may use of its machine: worker threads, memory of a gateway, and how large regular expressions may be. Asked of the real Envoy.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { startProcess } from '../../examples/demo/child-process.ts';
import { freePort } from '../../examples/demo/free-ports.ts';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { askAdmin, openWorld, programs } from '../harness/world.ts';

const world = await openWorld();
after(() => world.close());

test('Envoy has as many worker threads as it is told', async () => {
  const web = await world.start({ service: 'web', extraArgs: ['--concurrency', '3'] });
  assert.match(await web.admin('/stats?filter=^server.concurrency$'), /server\.concurrency: 3/);
});

test('regular expressions of policies are bounded by the runtime, and no memory limit is set for a sidecar', async () => {
  const api = await world.start({
    service: 'api',
    environment: { KUMA_DATAPLANE_RESOURCES_MAX_MEMORY_BYTES: '200000000' },
  });
  const { layers } = JSON.parse(await api.admin('/runtime')) as { layers: readonly string[] };
  assert.ok(layers.includes('kuma'), layers.join(', '));
  assert.equal(await api.admin('/stats?filter=fixed_heap'), '');
});

/** What the overload manager of a gateway with a limit says. */
async function overloadOf(context: TestContext, name: string, limit: number): Promise<string> {
  const { controlPlane, folder } = world;
  const file = (ending: string, text: string): string => {
    const path = join(folder, `${name}.${ending}`);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
  const dataplane = {
    ...{ type: 'Dataplane', mesh: 'default', name },
    networking: { address: '127.0.0.1', gateway: { type: 'BUILTIN', tags: { 'kuma.io/service': name } } },
  };
  const workDir = join(folder, name);
  const proxy = startProcess({
    name: `kuma-dp ${name}`,
    command: programs.dataPlane,
    args: [
      ...['run', '--cp-address', controlPlane.dataPlaneUrl, '--ca-cert-file', controlPlane.caCertFile],
      ...['--dataplane-file', file('yaml', JSON.stringify(dataplane)), '--work-dir', workDir],
      ...['--dataplane-token-file', file('token', await controlPlane.dataplaneToken('default', name))],
      ...['--concurrency', '1', '--drain-time', '1s'],
    ],
    environment: {
      KUMA_DATAPLANE_RESOURCES_MAX_MEMORY_BYTES: String(limit),
      KUMA_READINESS_PORT: String(await freePort()),
    },
  });
  context.after(() => proxy.stop());
  return await waitFor(
    'the limit is watched',
    async () => {
      assert.ok(proxy.running(), proxy.output());
      const text = await askAdmin(workDir, '/stats?filter=^overload');
      return /fixed_heap\.pressure: [1-9]/.test(text) && text;
    },
    { within: 30_000 },
  );
}

test('a gateway below its limit of memory accepts requests', async (context) => {
  const stats = await overloadOf(context, 'roomy', 100_000_000);
  assert.match(stats, /overload_actions\.shrink_heap\.active: 0/);
  assert.match(stats, /overload_actions\.stop_accepting_requests\.active: 0/);
});

test('one at its limit gives memory back and accepts no more', async (context) => {
  const stats = await overloadOf(context, 'cramped', 1_000_000);
  assert.match(stats, /overload_actions\.shrink_heap\.active: 1/);
  assert.match(stats, /overload_actions\.stop_accepting_requests\.active: 1/);
});
