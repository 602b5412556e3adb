// F1: the only control plane is killed and comes back after 1, 5 and 20 seconds. Traffic must not notice; proxies come back by themselves.
import { setTimeout as sleep } from 'node:timers/promises';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { atMost, defineFault, type Figure, reported } from '../harness/fault.ts';
import { describeLost } from '../harness/load.ts';
import { watchStatus } from '../harness/status-error.ts';
import { openWorld } from '../harness/world.ts';

/** The fault. */
export const fault = defineFault({
  id: 'F1',
  title: 'control plane killed, back after 1, 5 and 20 s',
  how: 'kill -9, started again on its files',
  pace: 'ci',
  async run(context) {
    const world = await openWorld(context);
    const { controlPlane, services } = world;
    const load = await world.load();
    const figures: Figure[] = [];
    let synced = 0;
    let apiUp = 0;
    const status = watchStatus(controlPlane, services);
    for (const down of [1, 5, 20]) {
      await controlPlane.kill();
      await sleep(down * 1000);
      apiUp = Math.max(apiUp, await controlPlane.start());
      const started = performance.now();
      await waitFor(
        'all proxies have the configuration of the new process',
        async () => {
          const { json } = await controlPlane.request('GET', '/_rollout');

          const { done, counts } = json as { done: boolean; counts: { total: number } };
          return done && counts.total === services.length;
        },
        { within: 30_000 },
      );
      synced = Math.max(synced, (performance.now() - started) / 1000);
      context.say(
        `down ${down} s: all proxies in sync ${((performance.now() - started) / 1000).toFixed(2)} s after the API`,
      );
      await sleep(1000);
    }
    const statusError = await status.stop();
    const report = await load.stop();
    context.say(`${report.sent} requests; ${describeLost(report)}`);
    figures.push(
      atMost(0, 'requests lost', report.lost.length),
      atMost(0, 'streams broken', report.streamBreaks.length),
      atMost(2, 'all proxies in sync after the API', synced, 's'),
      atMost(2, 'a proxy shown wrongly for', statusError, 's'),
      reported('API answers after the start', apiUp, 'ms'),
      reported('requests sent', report.sent),
    );
    return figures;
  },
});
