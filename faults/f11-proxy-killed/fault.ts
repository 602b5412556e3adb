// F11: a backend's proxy is killed with its application alive, then another with its application dead. Others must stop sending there.
import { setTimeout as sleep } from 'node:timers/promises';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { atMost, defineFault, reported } from '../harness/fault.ts';
import { describeLost, secondsToRecover } from '../harness/load.ts';
import { openWorld } from '../harness/world.ts';

/** The fault. */
export const fault = defineFault({
  id: 'F11',
  title: 'proxy killed while connected, its application alive, then dead',
  how: 'kill -9 of kuma-dp and Envoy',
  pace: 'ci',
  async run(context) {
    const world = await openWorld(context);
    const { client, backends } = world;
    const load = await world.load();
    let slowest = 0;
    let lostFor = 0;
    for (const [index, backend] of backends.entries()) {
      const before = Date.now();
      if (index === 1) backend.app.signal('SIGKILL');
      await backend.killProxy();
      const killed = performance.now();
      await waitFor(
        `${backend.name} is withdrawn`,
        async () => !(await client.endpointsOf('backend')).includes(backend.host.address),
        { within: 30_000 },
      );
      const seconds = (performance.now() - killed) / 1000;
      context.say(`${backend.name} withdrawn after ${seconds.toFixed(2)} s`);
      slowest = Math.max(slowest, seconds);
      await sleep(500);
      lostFor = Math.max(lostFor, secondsToRecover(await load.report(), before));
      if (index === 0) {
        await backend.start();
        await waitFor('it serves again', async () => (await client.endpointsOf('backend')).length === backends.length);
        await sleep(1000);
      }
    }
    const report = await load.stop();
    context.say(describeLost(report));
    return [
      atMost(3, 'endpoint withdrawn after', slowest, 's'),
      reported('requests lost', report.lost.length),
      reported('last request lost after', lostFor, 's'),
      reported('requests sent', report.sent),
    ];
  },
});
