// F17: everybody comes back at once. A thousand proxies (ten thousand with --long) reconnect to a control plane that was killed.
import { setTimeout as sleep } from 'node:timers/promises';
import { waitFor } from '../../examples/demo/wait-for.ts';
import type { ControlPlaneHost } from '../harness/control-plane.ts';
import { atMost, defineFault, reported } from '../harness/fault.ts';
import { registerFleet, startFleet } from '../harness/fleet.ts';
import { addHost } from '../harness/hosts.ts';
import { describeLost } from '../harness/load.ts';
import { memoryOf } from '../harness/process-memory.ts';
import { startAsking } from '../harness/responsiveness.ts';
import { openWorld } from '../harness/world.ts';

/** The fault. */
export const fault = defineFault({
  id: 'F17',
  title: 'reconnect storm',
  how: 'kill -9 of a control plane with 1,000 stub proxies (20 for each of 50 services, 10 of them called by each; 10,000 stubs of 500 services with --long) beside the real ones',
  pace: 'fast',
  async run(context) {
    const world = await openWorld(context);
    const { controlPlane } = world;
    const size = context.long ? 10_000 : 1000;
    const hosts = Array.from({ length: Math.ceil(size / 2500) }, (_, index) => addHost(`fleet-${index}`));
    const share = size / hosts.length;
    const plan = { services: size / 20, outbounds: 10 };
    await registerFleet(controlPlane, size, plan);
    const fleets = await Promise.all(
      hosts.map((host, index) =>
        startFleet(host, controlPlane, share, { ...plan, first: index * share, spread: size * 5 }),
      ),
    );
    const total = size + world.services.length;
    await allInSync(controlPlane, total, 300_000);
    const load = await world.load();
    const before = await Promise.all(fleets.map((fleet) => fleet.report()));
    await controlPlane.kill();
    await sleep(1000);
    const apiUp = await controlPlane.start();
    const up = performance.now();
    const questioner = startAsking(`${controlPlane.diagnosticsUrl}/healthy`, 10);
    await allInSync(controlPlane, total, context.long ? 300_000 : 120_000);
    const synced = (performance.now() - up) / 1000;
    const { p99, most } = await questioner.stop();
    await sleep(1000);
    const after = await Promise.all(fleets.map((fleet) => fleet.report()));
    const removed = after.reduce((sum, { removed: count }, index) => sum + count - (before[index]?.removed ?? 0), 0);
    const { peak } = memoryOf(controlPlane.process().pid);
    const report = await load.stop();
    context.say(describeLost(report));
    return [
      atMost(0, 'clusters and listeners taken away', removed),
      atMost(0, 'requests lost', report.lost.length),
      reported('last acknowledgement after the API', synced, 's'),
      reported('peak memory of the control plane', peak, 'MiB'),
      reported('an answer of the control plane meanwhile, p99', p99, 'ms'),
      reported('the slowest answer', most, 'ms'),
      reported('API answers after the start', apiUp, 'ms'),
    ];
  },
});

function allInSync(controlPlane: ControlPlaneHost, total: number, within: number): Promise<boolean> {
  return waitFor(
    `all ${total} proxies are in sync`,
    async () => {
      const { json } = await controlPlane.request('GET', '/_rollout?size=1');
      const { done, counts } = json as { readonly done: boolean; readonly counts: { readonly total: number } };
      return done && counts.total === total;
    },
    // A look costs the control plane some milliseconds for ten thousand proxies.
    { within, every: total > 5000 ? 1000 : 50 },
  );
}
