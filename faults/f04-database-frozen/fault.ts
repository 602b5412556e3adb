// F4: the database is frozen. Its connections stay open and nothing answers: the fault that hangs programs which wait for it.
import { controlPlaneOver, databaseMissing, openDatabase } from '../harness/database.ts';
import { atMost, defineFault, reported } from '../harness/fault.ts';
import { describeLost } from '../harness/load.ts';
import { watchOutage } from '../harness/outage.ts';
import { openWorldWith } from '../harness/world.ts';

/** The fault. */
export const fault = defineFault({
  id: 'F4',
  title: 'database frozen for 30 s',
  how: 'SIGSTOP to all processes of PostgreSQL',
  pace: 'ci',
  lacks: databaseMissing,
  async run(context) {
    const database = await openDatabase(context);
    const { server } = database;
    const controlPlane = controlPlaneOver(context, database, 'cp');
    const world = await openWorldWith(context, controlPlane);
    const load = await world.load();
    const seen = await watchOutage(
      controlPlane,
      () => server.freeze(),
      () => server.thaw(),
      30_000,
    );
    const report = await load.stop();
    context.say(describeLost(report));
    return [
      atMost(2, 'longest call', seen.longest / 1000, 's'),
      atMost(0, 'looks at /ready that did not say "degraded"', seen.readyUnmarked),
      atMost(0, 'reads refused', seen.readsRefused),
      atMost(0, 'writes refused without 503, Retry-After and the cause', seen.writesUnexplained),
      atMost(0, 'acknowledged writes lost', seen.acknowledgedLost),
      atMost(0, 'requests lost', report.lost.length + report.streamBreaks.length),
      reported(
        'first write acknowledged after the thaw',
        seen.recovered === undefined ? undefined : seen.recovered / 1000,
        's',
      ),
    ];
  },
});
