// F12: a proxy is killed while its control plane is away. Nobody saw it go: whoever is up next must find out, and tell the others.
import { setTimeout as sleep } from 'node:timers/promises';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { atMost, defineFault, reported } from '../harness/fault.ts';
import { describeLost, secondsToRecover } from '../harness/load.ts';
import { shownOnline } from '../harness/status-error.ts';
import { openWorld } from '../harness/world.ts';

/** The fault. */
export const fault = defineFault({
  id: 'F12',
  title: 'proxy killed while the control plane is down',
  how: 'kill -9 of kuma-cp, then of kuma-dp and Envoy; the control plane is started again 3 s later',
  pace: 'ci',
  async run(context) {
    const world = await openWorld(context);
    const { controlPlane, client, backends } = world;
    const [victim] = backends;
    const load = await world.load();
    await controlPlane.kill();
    const before = Date.now();
    await victim.killProxy();
    await sleep(3000);
    await controlPlane.start();
    const up = performance.now();
    const since = (): number => (performance.now() - up) / 1000;
    const patience = { within: 40_000 };
    await waitFor(
      'it is not shown online',
      async () => (await shownOnline(controlPlane))?.has(victim.name) === false,
      patience,
    );
    const offline = since();
    const withdrawn = await waitFor(
      'it is withdrawn',
      async () => !(await client.endpointsOf('backend')).includes(victim.host.address) && since(),
      patience,
    ).catch(() => undefined);
    await sleep(500);
    const report = await load.stop();
    context.say(describeLost(report));
    return [
      atMost(15, 'still shown online, after the control plane is back', offline, 's'),
      atMost(15, 'endpoint withdrawn after the control plane is back', withdrawn, 's'),
      reported('requests lost', report.lost.length),
      reported('last request lost after', secondsToRecover(report, before), 's'),
    ];
  },
});
