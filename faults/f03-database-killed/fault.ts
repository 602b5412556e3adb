// F3: the database is killed for ten seconds, then crashed in its own way. The control plane answers what it can and says why it cannot the rest.
import { controlPlaneOver, databaseMissing, openDatabase } from '../harness/database.ts';
import { atMost, defineFault, reported } from '../harness/fault.ts';
import { describeLost } from '../harness/load.ts';
import { watchOutage } from '../harness/outage.ts';
import { openWorldWith } from '../harness/world.ts';

/** The fault. */
export const fault = defineFault({
  id: 'F3',
  title: 'database killed for 10 s',
  how: 'kill -9 of all processes of PostgreSQL; then `pg_ctl -m immediate`',
  pace: 'ci',
  lacks: databaseMissing,
  async run(context) {
    const database = await openDatabase(context);
    const { server } = database;
    const controlPlane = controlPlaneOver(context, database, 'cp');
    const world = await openWorldWith(context, controlPlane);
    const load = await world.load();
    const reports = [
      await watchOutage(
        controlPlane,
        () => server.kill(),
        () => server.start(),
        10_000,
      ),
      await watchOutage(
        controlPlane,
        () => server.stop('immediate'),
        () => server.start(),
        10_000,
      ),
    ];
    const report = await load.stop();
    context.say(describeLost(report));
    context.say(JSON.stringify(reports));
    const worst = (
      name: 'longest' | 'readsRefused' | 'readsUnmarked' | 'writesUnexplained' | 'acknowledgedLost' | 'readyUnmarked',
    ): number => Math.max(...reports.map((each) => each[name]));
    const recoveries = reports.map(({ recovered }) => recovered);
    const recovered = recoveries.includes(undefined)
      ? undefined
      : Math.max(...recoveries.map((each) => each ?? 0)) / 1000;
    return [
      atMost(0, 'requests lost', report.lost.length + report.streamBreaks.length),
      atMost(1, 'first write acknowledged after the database is back', recovered, 's'),
      atMost(0, 'acknowledged writes lost', worst('acknowledgedLost')),
      atMost(0, 'reads refused', worst('readsRefused')),
      atMost(0, 'reads not marked as possibly old', worst('readsUnmarked')),
      atMost(0, 'writes refused without 503, Retry-After and the cause', worst('writesUnexplained')),
      reported('longest call', worst('longest') / 1000, 's'),
      reported(
        'writes acknowledged',
        reports.reduce((sum, { acknowledged }) => sum + acknowledged, 0),
      ),
    ];
  },
});
