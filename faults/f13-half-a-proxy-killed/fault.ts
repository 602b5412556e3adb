// F13: one half of a proxy is killed, kuma-dp or its Envoy. Neither may go on alone: an Envoy without kuma-dp would be drained by nobody, a
// kuma-dp without Envoy would say that it is ready.

import { isAlive } from '../../e2e/harness/processes.ts';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { atMost, defineFault, reported } from '../harness/fault.ts';
import { describeLost } from '../harness/load.ts';
import { openWorld } from '../harness/world.ts';

/** The fault. */
export const fault = defineFault({
  id: 'F13',
  title: 'kuma-dp killed under its Envoy, and the reverse; a supervisor starts it again',
  how: 'kill -9 of one process',
  pace: 'ci',
  async run(context) {
    const world = await openWorld(context);
    const load = await world.load();
    let orphans = 0;
    let slowest = 0;
    let back = 0;
    for (const [index, half] of (['kuma-dp', 'Envoy'] as const).entries()) {
      const backend = world.backends[index === 0 ? 0 : 1];
      const envoy = backend.envoyPid();
      const proxy = backend.proxy();
      const killed = performance.now();
      process.kill(half === 'Envoy' ? envoy : proxy.pid, 'SIGKILL');
      const gone = await waitFor(
        'both halves are gone',
        () => !isAlive(envoy) && !isAlive(proxy.pid) && (performance.now() - killed) / 1000,
        { within: 5000, every: 5 },
      ).catch(() => undefined);
      if (gone === undefined) orphans += 1;
      else slowest = Math.max(slowest, gone);
      context.say(
        `${half} killed: ${gone === undefined ? 'the other half goes on' : `the other half gone after ${gone.toFixed(3)} s`}`,
      );
      // What systemd does with Restart=always.
      await backend.start();
      back = Math.max(back, (performance.now() - killed) / 1000);
    }
    const report = await load.stop();
    context.say(describeLost(report));
    return [
      atMost(0, 'orphans', orphans),
      reported('other half gone after', slowest, 's'),
      reported('serving again after', back, 's'),
      reported('requests lost', report.lost.length),
    ];
  },
});
