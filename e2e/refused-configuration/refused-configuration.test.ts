// A bad policy cannot take a proxy down: Envoy refuses what it makes, traffic goes on, the policy says so, and every restart gets a
// configuration without it.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ResourceDocument } from '../../examples/demo/control-plane.ts';
import { resourcePath } from '../../examples/demo/control-plane.ts';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { runKumactl } from '../harness/kumactl.ts';
import { answers, openWorld } from '../harness/world.ts';

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
  readonly lastTransitionTime: string;
  readonly proxies: { readonly total: number; readonly names: readonly string[] };
}

// What a real Envoy refuses at the write never gets as far as this.
const world = await openWorld({ KUMA_POLICIES_ENVOY_VALIDATION_ENABLED: 'false' });
after(() => world.close());
const { controlPlane } = world;
const backend = await world.start({ service: 'backend' });
const client = await world.start({ service: 'client', calls: ['backend'] });
const url = client.urlOf('backend');
await answers(url, 200);

const kumactl = async (...words: readonly string[]): Promise<string> => {
  const { code, output } = await runKumactl(controlPlane.apiUrl, words);
  assert.equal(code, 0, output);
  return output;
};

// The machine may have much else to do; what is asserted are counts and contents.
const patience = { within: 30_000 };

const conditionsOf = async (policy: ResourceDocument): Promise<readonly Condition[]> => {
  const { json } = await controlPlane.request('GET', resourcePath(policy));
  return (json as { status?: { conditions?: readonly Condition[] } }).status?.conditions ?? [];
};
const updates = async (): Promise<string> => (await client.admin('/stats?filter=lds.update_rejected')).trim();

// Whether a file can be opened only the host of the proxy knows.
const log = (path: string): ResourceDocument => ({
  type: 'MeshAccessLog',
  mesh: 'default',
  name: 'requests',
  spec: {
    targetRef: { kind: 'Mesh' },
    to: [
      {
        targetRef: { kind: 'MeshService', name: 'backend' },
        default: { backends: [{ type: 'File', file: { path } }] },
      },
    ],
  },
});
const patch: ResourceDocument = {
  type: 'MeshProxyPatch',
  mesh: 'default',
  name: 'elsewhere',
  spec: {
    targetRef: { kind: 'Mesh' },
    default: {
      appendModifications: [
        {
          listener: {
            operation: 'Patch',
            match: { origin: 'outbound' },
            value: 'address: { socketAddress: { address: not-an-address } }',
          },
        },
      ],
    },
  },
};

for (const { bad, words, good } of [
  { bad: log('/no-such-folder/requests.log'), words: /no-such-folder/, good: log('/dev/null') },
  { bad: patch, words: /not-an-address/, good: undefined },
]) {
  test(`${bad.type}: refused by Envoy, it costs no request, now or after restarts, and says why`, async () => {
    const load = world.load({ url, perSecond: 50, newConnections: true });
    await controlPlane.apply(bad);
    const before = (await controlPlane.request('GET', resourcePath(bad))).json as { modificationTime: string };
    const [condition] = await waitFor(
      'the policy says that it is refused',
      async () => {
        const conditions = await conditionsOf(bad);
        return conditions.length > 0 && conditions;
      },
      patience,
    );
    assert.deepEqual(
      [condition?.type, condition?.status, condition?.reason, condition?.proxies],
      ['Programmed', 'False', 'HeldBack', { total: 1, names: [client.name] }],
    );
    assert.match(condition?.message ?? '', words);
    const after = (await controlPlane.request('GET', resourcePath(bad))).json as { modificationTime: string };
    assert.equal(after.modificationTime, before.modificationTime, 'a refusal must not be a new version');

    const rejected = await updates();
    await sleep(1500);
    assert.equal(await updates(), rejected, 'what was refused must not be sent again');
    assert.deepEqual((await load.stop()).failures, []);
    const shown = await kumactl('get', bad.type.toLowerCase(), bad.name, '-o', 'yaml');
    assert.match(shown, /type: Programmed/);
    const inspected = await kumactl('inspect', bad.type.toLowerCase(), bad.name);
    assert.match(inspected, /Programmed: False \(HeldBack\) since/);
    assert.match(inspected, words);

    const rolledOut = await runKumactl(controlPlane.apiUrl, ['rollout', 'status']);
    assert.equal(rolledOut.code, 4, rolledOut.output);
    assert.ok(rolledOut.output.includes(`does without ${bad.type} "${bad.name}"`), rolledOut.output);

    await client.restart();
    await answers(url, 200);
    const restarted = world.load({ url, perSecond: 50, newConnections: true });
    await waitFor('it has traffic', () => restarted.report().sent > 50);
    assert.match(await updates(), /update_rejected: 0$/, 'a new Envoy must never see the refused configuration');

    controlPlane.process().signal('SIGKILL');
    await controlPlane.process().exited;
    await controlPlane.restart();
    await waitFor(
      'the proxy is connected again',
      async () => (await client.admin('/stats?filter=control_plane.connected_state')).includes('connected_state: 1'),
      patience,
    );
    assert.equal((await conditionsOf(bad)).length, 1, 'the state must survive a restart of the control plane');
    await waitFor('traffic goes on', () => restarted.report().sent > 150);
    assert.deepEqual((await restarted.stop()).failures, []);
    await client.restart();
    await answers(url, 200);
    assert.match(await updates(), /update_rejected: 0$/);

    if (good === undefined) await controlPlane.delete(bad);
    else {
      await controlPlane.apply(good);
      await waitFor('a corrected policy is in force', async () =>
        (await client.admin('/config_dump')).includes('/dev/null'),
      );
      assert.deepEqual(await conditionsOf(good), []);
      await controlPlane.delete(good);
    }
    await answers(url, 200);
    assert.equal(backend.proxy.process.running(), true);
  });
}
