// F6: the primary dies, its standby is promoted, and the old primary comes back as if nothing had happened. Nothing that was acknowledged may be
// lost, and nobody may write to the old one.
import { setTimeout as sleep } from 'node:timers/promises';
import { controlPlaneOver, databaseAddress, databaseMissing, openDatabase } from '../harness/database.ts';
import { atMost, defineFault, reported } from '../harness/fault.ts';
import { describeLost } from '../harness/load.ts';
import { startWriting } from '../harness/records.ts';
import { openTcpProxy } from '../harness/tcp-proxy.ts';
import { openWorldWith } from '../harness/world.ts';

/** The fault. */
export const fault = defineFault({
  id: 'F6',
  title: 'primary database dies, standby promoted, old primary returns',
  how: 'two PostgreSQL servers with synchronous streaming replication, both named in the settings; kill -9 of the first, `pg_promote` on the second, then the first started as a primary again',
  pace: 'ci',
  lacks: databaseMissing,
  async run(context) {
    const database = await openDatabase(context);
    const { server: primary, name } = database;
    const standby = await primary.openStandby();
    await primary.query('postgres', "alter system set synchronous_standby_names = 'standby'");
    await primary.query('postgres', 'select pg_reload_conf()');
    const otherWire = await openTcpProxy(databaseAddress, '127.0.0.1', standby.port);
    const hosts = [database.wire, otherWire].map(({ port }) => `${databaseAddress}:${port}`).join(',');
    const environment = { ...database.environment, KUMA_STORE_POSTGRES_HOST: hosts };
    const controlPlane = controlPlaneOver(context, { environment }, 'cp');
    const world = await openWorldWith(context, controlPlane);
    const load = await world.load();
    const writer = startWriting(controlPlane, 'failover');
    await sleep(2000);
    await primary.kill();
    const died = performance.now();
    await standby.promote();
    const good = (): number | undefined =>
      writer.writes.find(({ at, status }) => at > died && status > 0 && status < 300)?.at;
    while (good() === undefined && performance.now() - died < 30_000) await sleep(10);
    const recovered = good();
    await primary.start();
    const returned = performance.now();
    await sleep(5000);
    // Whoever loses the new primary for a moment must not fall for the old one.
    otherWire.set({ cut: true });
    await sleep(500);
    otherWire.set({});
    await sleep(5000);
    await writer.stop();
    const lost = await writer.lost(controlPlane);
    const stray = await primary.query(name, 'select revision from ursa.head').catch(() => []);
    const current = await standby.query(name, 'select revision from ursa.head');
    context.say(`revision at the old primary ${JSON.stringify(stray)}, at the new one ${JSON.stringify(current)}`);
    const acknowledged = writer.writes.filter(({ at, status }) => at > returned && status > 0 && status < 300).length;
    const report = await load.stop();
    context.say(describeLost(report));
    return [
      atMost(0, 'acknowledged writes lost', lost),
      atMost(0, 'requests lost', report.lost.length + report.streamBreaks.length),
      reported(
        'first write after the primary died',
        recovered === undefined ? undefined : (recovered - died) / 1000,
        's',
      ),
      reported('writes acknowledged after the old primary returned', acknowledged),
    ];
  },
});
