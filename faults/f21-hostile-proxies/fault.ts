// F21: proxies that never read, never acknowledge, flood, subscribe to everything or change who they are. Others must not notice.
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { waitFor } from '../../examples/demo/wait-for.ts';
import type { ControlPlaneHost } from '../harness/control-plane.ts';
import { atMost, defineFault, reported } from '../harness/fault.ts';
import { startFleet } from '../harness/fleet.ts';
import { addHost } from '../harness/hosts.ts';
import { describeLost } from '../harness/load.ts';
import { memoryOf } from '../harness/process-memory.ts';
import { measurePropagation } from '../harness/propagation.ts';
import { openWorld } from '../harness/world.ts';

const attacks: Readonly<Record<string, number>> = {
  'never reads': 20,
  'never acknowledges': 20,
  'floods with acknowledgements': 2,
  'subscribes to 100,000 names': 2,
  'changes its node': 5,
};
const honest = 50;
const changes = 40;

/** The fault. */
export const fault = defineFault({
  id: 'F21',
  title: 'hostile proxies beside honest ones',
  how: `with valid tokens: ${Object.entries(attacks)
    .map(([kind, count]) => `${count} × ${kind}`)
    .join(', ')}; ${honest} honest stub proxies, ${changes} changes that concern all of them`,
  pace: 'fast',
  async run(context) {
    const world = await openWorld(context);
    const { controlPlane } = world;
    const fleet = await startFleet(addHost('fleet'), controlPlane, honest, { services: 5, outbounds: 2, spread: 1000 });
    await waitFor('the fleet is connected', async () => (await fleet.report()).connected === honest, {
      within: 30_000,
    });
    const load = await world.load();
    await measurePropagation(controlPlane, fleet, 5);
    const before = await measurePropagation(controlPlane, fleet, changes);
    const pid = controlPlane.process().pid;
    const quiet = memoryOf(pid).resident;
    const bad = addHost('hostile');
    const token = (await controlPlane.request('POST', '/tokens/dataplane', { mesh: 'default', validFor: '24h' })).text;
    const children: ChildProcess[] = Object.entries(attacks).map(([kind, count]) => {
      const program = join(import.meta.dirname, '..', 'harness', 'hostile-proxy.ts');
      const words = [process.execPath, program, kind, String(count), controlPlane.dataPlaneUrl, token];
      const [command = '', ...args] = bad.command(words);
      return spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
    });
    // Reading their sources costs each of the programs a second of processor time, which is not to be in what is measured.
    const expected = Object.values(attacks).reduce((sum, count) => sum + count, 0);
    await waitFor('the hostile proxies have come in', async () => (await hostileProxies(controlPlane)) >= expected, {
      within: 90_000,
    });
    await sleep(3000);
    const during = await measurePropagation(controlPlane, fleet, changes);
    const grown = memoryOf(pid).resident - quiet;
    for (const child of children) child.kill('SIGKILL');
    const crashed = controlPlane.process().running() ? 0 : 1;
    const report = await load.stop();
    const { say } = context;
    say(`before: ${JSON.stringify(before)}; during: ${JSON.stringify(during)}; ${describeLost(report)}`);
    return [
      atMost(1.5, "honest proxies' p99 of a change, times that before", during.p99 / before.p99),
      atMost(0, 'crashes', crashed),
      atMost(0, 'requests lost', report.lost.length + report.streamBreaks.length),
      reported('p99 of a change before', before.p99, 'ms'),
      reported('p99 of a change during', during.p99, 'ms'),
      reported('memory grown by', grown, 'MiB'),
    ];
  },
});

async function hostileProxies(controlPlane: ControlPlaneHost): Promise<number> {
  const { json } = await controlPlane.request('GET', '/meshes/default/dataplanes?size=1000');
  const { items = [] } = (json ?? {}) as { readonly items?: readonly { readonly name: string }[] };
  return items.filter(({ name }) => name.startsWith('hostile-')).length;
}
