// The only control plane comes back, on its own files.
import { setTimeout as sleep } from 'node:timers/promises';
import { atMost, type FaultContext, type Figure, reported } from '../harness/fault.ts';
import { describeLost, secondsToRecover } from '../harness/load.ts';
import { openWorld } from '../harness/world.ts';
import { watchGone } from './gone.ts';

/** Measures it. */
export async function withTheSameControlPlane(context: FaultContext): Promise<readonly Figure[]> {
  const world = await openWorld(context);
  const { controlPlane, client, backends } = world;
  const [victim] = backends;
  const load = await world.load();
  await controlPlane.kill();
  const before = Date.now();
  await victim.killProxy();
  await sleep(3000);
  await controlPlane.start();
  const { offline, withdrawn } = await watchGone(controlPlane, client, victim, performance.now());
  await sleep(500);
  const report = await load.stop();
  context.say(describeLost(report));
  await world.close();
  return [
    atMost(15, 'still shown online, after the control plane is back', offline, 's'),
    atMost(15, 'endpoint withdrawn after the control plane is back', withdrawn, 's'),
    reported('requests lost', report.lost.length),
    reported('last request lost after', secondsToRecover(report, before), 's'),
  ];
}
