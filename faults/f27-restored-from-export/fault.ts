// F27: everything a control plane stores is exported, its store is deleted, and the export is applied to the empty one, all under load. Services
// must keep their addresses and their authority, and traffic must not notice.
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startProcess } from '../../examples/demo/child-process.ts';
import { waitFor } from '../../examples/demo/wait-for.ts';
import type { ControlPlaneHost } from '../harness/control-plane.ts';
import { atMost, defineFault, type FaultContext, reported } from '../harness/fault.ts';
import { describeLost } from '../harness/load.ts';
import { failedHandshakes } from '../harness/tls-state.ts';
import { openWorld } from '../harness/world.ts';

/** The fault. */
export const fault = defineFault({
  id: 'F27',
  title: 'exported, deleted and restored',
  how: '`kumactl export`, the store file deleted, `kumactl apply`',
  pace: 'fast',
  async run(context) {
    const world = await openWorld(context, { mesh: { meshServices: { mode: 'Everywhere' } } });
    const { controlPlane, services } = world;
    await waitFor('services have addresses', async () => (await addressesOf(controlPlane)).size >= 2);
    const load = await world.load();
    const failedBefore = await failedHandshakes(services);
    const [exported, addresses] = [await exportFrom(context, controlPlane), await addressesOf(controlPlane)];
    const file = join(context.folder, 'export.yaml');
    writeFileSync(file, exported, { mode: 0o600 });

    await controlPlane.kill();
    for (const end of ['', '-wal', '-shm']) rmSync(join(controlPlane.folder, `store.db${end}`), { force: true });
    await controlPlane.start();
    const started = performance.now();
    await kumactl(context, controlPlane, ['apply', '-f', file]);
    const applied = (performance.now() - started) / 1000;
    await waitFor(
      'all proxies are back',
      async () => {
        const { status, json } = await controlPlane.request('GET', '/_rollout');
        if (status !== 200) return false;
        const { done, counts } = json as { readonly done: boolean; readonly counts: { readonly total: number } };
        return done && counts.total === services.length;
      },
      { within: 60_000 },
    );
    const back = (performance.now() - started) / 1000;
    await waitFor(
      'services have addresses again',
      async () => (await addressesOf(controlPlane)).size >= addresses.size,
    );
    await sleep(3000);
    const after = await addressesOf(controlPlane);
    const moved = [...addresses].filter(([name, address]) => after.get(name) !== address);
    const again = await exportFrom(context, controlPlane);
    const failed = (await failedHandshakes(services)) - failedBefore;
    const report = await load.stop();
    context.say(`${report.sent} requests; ${describeLost(report)}`);
    return [
      atMost(0, 'requests lost', report.lost.length),
      atMost(0, 'streams broken', report.streamBreaks.length),
      atMost(0, 'handshakes that failed', failed),
      atMost(0, 'services that got another address', moved.length),
      atMost(0, 'lines of the export that differ', differingLines(exported, again)),
      reported('applied after', applied, 's'),
      reported('all proxies back after', back, 's'),
      reported('requests sent', report.sent),
    ];
  },
});

/**
 * Everything, secrets included. Dataplanes too, though proxies bring them along: the first proxy that is back would else learn of services whose
 * own proxies are not back yet that nobody serves them.
 */
async function exportFrom(context: FaultContext, controlPlane: ControlPlaneHost): Promise<string> {
  return await kumactl(context, controlPlane, ['export', '--profile', 'all', '--include-admin']);
}

/** Runs kumactl on the control plane's host; gives what it printed. */
async function kumactl(
  { programs }: FaultContext,
  { host }: ControlPlaneHost,
  args: readonly string[],
): Promise<string> {
  const command = startProcess({
    name: `kumactl ${args[0]}`,
    command: host.command(programs.kumactl),
    args: [...args],
  });
  const { code } = await command.exited;
  if (code !== 0) throw new Error(`kumactl ${args.join(' ')} ended with ${code}:\n${command.output()}`);
  return command.output();
}

interface ServiceList {
  readonly items?: readonly {
    readonly name: string;
    readonly status?: { readonly vips?: readonly { readonly ip?: string }[] };
  }[];
}

/** Addresses of the MeshServices by name. */
async function addressesOf(controlPlane: ControlPlaneHost): Promise<ReadonlyMap<string, string>> {
  const { json } = await controlPlane.request('GET', '/meshes/default/meshservices');
  const { items = [] } = (json ?? {}) as ServiceList;
  const pairs = items.flatMap(({ name, status }) => {
    const ip = status?.vips?.[0]?.ip;
    return ip === undefined ? [] : [[name, ip] as const];
  });
  return new Map(pairs);
}

/** Lines that only one of the two has. */
function differingLines(before: string, after: string): number {
  const [first, second] = [new Set(before.split('\n')), new Set(after.split('\n'))];
  return [...first].filter((line) => !second.has(line)).length + [...second].filter((line) => !first.has(line)).length;
}
