// F7: a firewall forgets the connections between one control plane and the database: they stay open, and nothing comes over them, notifications
// neither. What another control plane writes must be seen all the same.
import { setTimeout as sleep } from 'node:timers/promises';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { controlPlaneOver, databaseAddress, databaseMissing, openDatabase } from '../harness/database.ts';
import { atMost, defineFault, reported } from '../harness/fault.ts';
import { describeLost } from '../harness/load.ts';
import { openTcpProxy } from '../harness/tcp-proxy.ts';
import { openWorldWith } from '../harness/world.ts';

/** The fault. */
export const fault = defineFault({
  id: 'F7',
  title: 'connections to the database half-open',
  how: 'a proxy on the way goes silent for the connections that are open; a second control plane with a way of its own writes; five times',
  pace: 'ci',
  lacks: databaseMissing,
  async run(context) {
    const database = await openDatabase(context);
    const { wire, server } = database;
    const controlPlane = controlPlaneOver(context, database, 'cp');
    const world = await openWorldWith(context, controlPlane);
    const own = await openTcpProxy(databaseAddress, '127.0.0.1', server.port);
    const environment = { ...database.environment, KUMA_STORE_POSTGRES_PORT: String(own.port) };
    const writer = controlPlaneOver(context, { environment }, 'cp2');
    await writer.start();
    const load = await world.load();
    let slowest: number | undefined = 0;
    const rounds = 5;
    for (let round = 0; round < rounds; round += 1) {
      await sleep(1000);
      wire.silenceOpen();
      const name = `seen-${round}`;
      const spec = {
        targetRef: { kind: 'Dataplane', labels: { app: 'nobody' } },
        to: [{ targetRef: { kind: 'Mesh' }, default: { idleTimeout: '9s' } }],
      };
      await writer.apply({ type: 'MeshTimeout', mesh: 'default', name, spec });
      const written = performance.now();
      const seen = await waitFor(
        'the other control plane sees it',
        async () =>
          (await controlPlane.request('GET', `/meshes/default/meshtimeouts/${name}`)).status === 200 &&
          (performance.now() - written) / 1000,
        { within: 20_000 },
      ).catch(() => undefined);
      context.say(`seen after ${seen?.toFixed(2)} s`);
      slowest = seen === undefined || slowest === undefined ? undefined : Math.max(slowest, seen);
    }
    const report = await load.stop();
    context.say(describeLost(report));
    return [
      atMost(5, 'change of another control plane seen after', slowest, 's'),
      atMost(0, 'requests lost', report.lost.length + report.streamBreaks.length),
      reported('rounds', rounds),
    ];
  },
});
