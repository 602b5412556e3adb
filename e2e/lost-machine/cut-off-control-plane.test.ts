// One of several control planes is cut off from the others and from the database, and so is all of its machine; but proxies elsewhere reach it. Whoever has it
// serves on, also the proxy on that very machine: nobody is withheld.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { postgresMissing } from '../../packages/control-plane/test/postgres-server.ts';
import { hostsMissing, isInside, runInside } from '../harness/hosts.ts';
import { openStage, patience, type Service } from './two-control-planes.ts';

const missing = hostsMissing() || postgresMissing;
if (missing) {
  test('a control plane that is cut off', { skip: missing }, () => {}); // because machines are network namespaces
} else if (isInside) {
  test('cut off from the other control plane and the database', story);
} else {
  test('a control plane that is cut off, in network namespaces', () => runInside(import.meta.filename));
}

async function story(context: TestContext): Promise<void> {
  const { machine, elsewhere, isOnline, underLoad } = await openStage(context);
  const services: readonly Service[] = ['idle', 'backend'];
  const drop = (verb: string): string =>
    `iptables-nft ${verb} INPUT -s ${elsewhere} -j DROP && iptables-nft ${verb} OUTPUT -d ${elsewhere} -j DROP`;
  const show = (online: boolean): Promise<unknown> =>
    waitFor(
      `all are shown ${online ? 'online' : 'offline'}`,
      async () => {
        const shown = await Promise.all(services.map((service) => isOnline(service)));
        return shown.every((each) => each === online);
      },
      patience,
    );
  await underLoad(services, async () => {
    await machine.shell(drop('-I'));
    await show(false);
    // Asked about several times meanwhile, and long before they would be deleted.
    await sleep(8_000);
    assert.deepEqual(await Promise.all(services.map((service) => isOnline(service))), [false, false]);
    await machine.shell(drop('-D'));
    await show(true);
  });
}
