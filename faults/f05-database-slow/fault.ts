// F5: a slow and lossy way to the database. Changes take longer by it, and not by more than it.
import { setTimeout as sleep } from 'node:timers/promises';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { controlPlaneOver, type Database, databaseMissing, openDatabase } from '../harness/database.ts';
import { atMost, defineFault, reported } from '../harness/fault.ts';
import { startFleet } from '../harness/fleet.ts';
import { addHost } from '../harness/hosts.ts';
import { describeLost } from '../harness/load.ts';
import { measurePropagation } from '../harness/propagation.ts';
import { openWorldWith } from '../harness/world.ts';

const proxies = 20;
const changes = 20;

/** Pieces of data a second that go to the database while nothing is asked for. */
async function idleTraffic({ wire }: Database): Promise<number> {
  const before = wire.pieces();
  await sleep(4000);
  return (wire.pieces() - before) / 4;
}

/** The fault. */
export const fault = defineFault({
  id: 'F5',
  title: 'database slow, then lossy',
  how: `a proxy on the way that adds 250 ms in each direction; then one that makes 5 % of the data come 200 ms late; ${proxies} stub proxies, ${changes} changes`,
  pace: 'fast',
  lacks: databaseMissing,
  async run(context) {
    const database = await openDatabase(context);
    const controlPlane = controlPlaneOver(context, database, 'cp');
    const world = await openWorldWith(context, controlPlane);
    const fleet = await startFleet(addHost('fleet'), controlPlane, proxies, { services: 5, outbounds: 2, spread: 500 });
    await waitFor('the fleet is connected', async () => (await fleet.report()).connected === proxies, {
      within: 30_000,
    });
    const load = await world.load();
    await measurePropagation(controlPlane, fleet, 5);
    const good = await measurePropagation(controlPlane, fleet, changes);
    database.wire.set({ delay: 250 });
    const slow = await measurePropagation(controlPlane, fleet, changes);
    const idle = await idleTraffic(database);
    database.wire.set({ loss: 0.05 });
    const lossy = await measurePropagation(controlPlane, fleet, changes);
    database.wire.set({});
    const report = await load.stop();
    context.say(describeLost(report));
    return [
      atMost(0, 'requests lost', report.lost.length + report.streamBreaks.length),
      reported('p99 of a change on a good wire', good.p99, 'ms'),
      reported('p99 with 500 ms for a round trip', slow.p99, 'ms'),
      reported('p99 with 5 % loss', lossy.p99, 'ms'),
      reported('writes answered 503 and made again', good.repeated + slow.repeated + lossy.repeated),
      reported('messages a second to the database, idle', idle),
    ];
  },
});
