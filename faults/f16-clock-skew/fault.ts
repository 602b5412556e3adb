// F16: clocks that are five minutes off, of the control plane and of a proxy, in either direction. Nobody may be locked out for it.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { atMost, defineFault, reported } from '../harness/fault.ts';
import { mustRun } from '../harness/hosts.ts';
import { describeLost } from '../harness/load.ts';
import { failedHandshakes } from '../harness/tls-state.ts';
import { openWorld } from '../harness/world.ts';

const source = join(import.meta.dirname, '..', 'harness', 'shifted-clock.c');
const minutes = 5;

/** The fault. */
export const fault = defineFault({
  id: 'F16',
  title: 'clock of the control plane, then of a proxy, five minutes off',
  how: 'a library that is loaded before the program shifts its wall clock; the processes are started again with each clock, with tokens and certificates made by the others',
  pace: 'fast',
  lacks: () => (spawnSync('cc', ['--version']).status === 0 ? undefined : 'there is no C compiler'),
  async run(context) {
    const library = join(context.folder, 'shifted-clock.so');
    mustRun('cc', ['-shared', '-fPIC', '-O2', '-o', library, source]);
    const shifted = (offset: number): readonly string[] => [
      'env',
      `LD_PRELOAD=${library}`,
      `CLOCK_SHIFT=${offset * 60}`,
    ];
    const world = await openWorld(context);
    const { controlPlane, backends, services, client } = world;
    const load = await world.load();
    const before = await failedHandshakes(services);
    let lockedOut = 0;
    for (const offset of [minutes, -minutes]) {
      await controlPlane.kill();
      await controlPlane.start(shifted(offset));
      for (const service of services) {
        const back = await waitFor(`${service.name} is back`, () => service.connected(), { within: 10_000 }).catch(
          () => false,
        );
        if (back) continue;
        lockedOut += 1;
        context.say(`control plane at ${offset} min: ${service.name} is locked out`);
      }
      await sleep(2000);
    }
    await controlPlane.kill();
    await controlPlane.start();
    const [victim] = backends;
    for (const offset of [minutes, -minutes]) {
      // It leaves in order, so that what is lost is lost to the clock.
      await victim.proxy().stop(30_000);
      await victim.start(shifted(offset)).catch(() => {
        lockedOut += 1;
        context.say(`proxy at ${offset} min: it does not come up`);
      });
      await waitFor('it serves', async () => (await client.endpointsOf('backend')).length === backends.length).catch(
        () => {
          lockedOut += 1;
        },
      );
      await sleep(2000);
    }
    const failed = (await failedHandshakes(services)) - before;
    const report = await load.stop();
    context.say(describeLost(report));
    return [
      atMost(0, 'requests lost', report.lost.length),
      atMost(0, 'TLS handshakes failed', failed),
      atMost(0, 'proxies locked out', lockedOut),
      // A proxy that leaves ends the long stream that runs through it.
      reported('streams broken', report.streamBreaks.length),
    ];
  },
});
