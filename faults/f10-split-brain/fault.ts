// F10: the leader is cut off from the database, and from nobody else. It must stop leading before another begins.
import { setTimeout as sleep } from 'node:timers/promises';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { controlPlaneOver, databaseAddress, databaseMissing, openDatabase } from '../harness/database.ts';
import { atMost, defineFault, reported } from '../harness/fault.ts';
import { leads } from '../harness/instances.ts';
import { describeLost } from '../harness/load.ts';
import { openWorldWith } from '../harness/world.ts';

const rounds = 3;

/** The fault. */
export const fault = defineFault({
  id: 'F10',
  title: 'leader cut off from the database',
  how: `two control planes over PostgreSQL; nft drops what goes between the leader and the database, in both directions, for 15 s, ${rounds} times; both are asked every 20 ms whether they lead`,
  pace: 'fast',
  lacks: databaseMissing,
  async run(context) {
    const database = await openDatabase(context);
    const instances = ['cp', 'cp2'].map((name) => controlPlaneOver(context, database, name));
    const [first, second] = instances;
    if (first === undefined || second === undefined) throw new Error('two instances are needed');
    const world = await openWorldWith(context, first);
    await second.start();
    const load = await world.load();
    let overlap = 0;
    let takeover: number | undefined = 0;
    let leaderless = 0;
    for (let round = 0; round < rounds; round += 1) {
      const leader = await waitFor(
        'one leads',
        async () => {
          const [one, other] = await Promise.all(instances.map(leads));
          return one !== other && (one === true ? first : second);
        },
        { within: 30_000 },
      );
      const follower = leader === first ? second : first;
      leader.host.cutFrom([databaseAddress]);
      const cut = performance.now();
      let taken: number | undefined;
      let stopped: number | undefined;
      let both = 0;
      let last = cut;
      while (performance.now() - cut < 15_000) {
        const [old, young] = await Promise.all([leads(leader), leads(follower)]);
        const now = performance.now();
        if (old && young) both += now - last;
        if (!old) stopped ??= now;
        if (young) taken ??= now;
        last = now;
        await sleep(20);
      }
      leader.host.reconnect();
      overlap = Math.max(overlap, both / 1000);
      const seconds = taken === undefined ? undefined : (taken - cut) / 1000;
      context.say(`stopped after ${((stopped ?? Number.NaN) - cut) / 1000} s, taken over after ${seconds} s`);
      takeover = takeover === undefined || seconds === undefined ? undefined : Math.max(takeover, seconds);
      if (taken !== undefined && stopped !== undefined) leaderless = Math.max(leaderless, (taken - stopped) / 1000);
      await sleep(3000);
    }
    const report = await load.stop();
    context.say(describeLost(report));
    return [
      atMost(0, 'two leaders at the same time for', overlap, 's'),
      atMost(10, 'taken over after', takeover, 's'),
      atMost(0, 'requests lost', report.lost.length + report.streamBreaks.length),
      reported('nobody led for', leaderless, 's'),
    ];
  },
});
