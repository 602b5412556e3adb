// F2: two control planes behind a balancer are restarted in turns. No request is lost, and at the end both have their share of the proxies.
import { setTimeout as sleep } from 'node:timers/promises';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { databaseMissing, openDatabase } from '../harness/database.ts';
import { atMost, defineFault, reported } from '../harness/fault.ts';
import { startFleet } from '../harness/fleet.ts';
import { addHost } from '../harness/hosts.ts';
import { streamsOf } from '../harness/instances.ts';
import { describeLost } from '../harness/load.ts';
import { openTwoControlPlanes } from '../harness/two-control-planes.ts';
import { openWorldWith } from '../harness/world.ts';

const restarts = 20;
const proxies = 100;
/** How long streams may take to be even again after the last restart. */
const settling = 60_000;

/** The fault. */
export const fault = defineFault({
  id: 'F2',
  title: `two control planes restarted in turns, ${restarts} times`,
  how: `SIGTERM and a new start, behind a TCP balancer; ${proxies} stub proxies beside the real ones`,
  pace: 'fast',
  lacks: databaseMissing,
  async run(context) {
    const database = await openDatabase(context);
    const { first, second, dataPlaneUrl } = await openTwoControlPlanes(context, database);
    const instances = [first, second];
    const world = await openWorldWith(context, first, { dataPlaneUrl });
    await second.start();
    const fleet = await startFleet(addHost('fleet'), { ...first, dataPlaneUrl }, proxies, { spread: 5000 });
    await waitFor('the fleet is connected', async () => (await fleet.report()).connected === proxies, {
      within: 60_000,
    });
    const load = await world.load();
    for (let restart = 0; restart < restarts; restart += 1) {
      const instance = restart % 2 === 0 ? first : second;
      await instance.process().stop();
      await instance.start();
      await sleep(500);
    }
    const total = proxies + world.services.length;
    const skewNow = async (): Promise<number | undefined> => {
      const [one = 0, other = 0] = await Promise.all(instances.map(streamsOf));
      return one + other >= total ? Math.abs(one - other) / total : undefined;
    };
    const ended = performance.now();
    const even = await waitFor('streams are even', async () => ((await skewNow()) ?? 1) <= 0.2, {
      within: settling,
      every: 200,
    }).catch(() => false);
    const settled = (performance.now() - ended) / 1000;
    const skew = await waitFor('everybody is connected', skewNow, { within: 20_000 }).catch(() => undefined);
    const report = await load.stop();
    context.say(describeLost(report));
    const { removed } = await fleet.report();
    return [
      atMost(0, 'requests lost', report.lost.length + report.streamBreaks.length),
      atMost(20, 'difference of streams, of all', skew === undefined ? undefined : skew * 100, '%'),
      reported('streams even after', even ? settled : undefined, 's'),
      reported('clusters and listeners taken away', removed),
    ];
  },
});
