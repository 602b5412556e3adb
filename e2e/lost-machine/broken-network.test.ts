// The network of a control plane is broken, and that of a proxy on the same machine is not: everybody elsewhere leaves the control plane, its own proxy serves on
// with it, and is not withheld.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { postgresMissing } from '../../packages/control-plane/test/postgres-server.ts';
import { hostsMissing, isInside, runInside } from '../harness/hosts.ts';
import { openStage, patience } from './two-control-planes.ts';

const missing = hostsMissing() || postgresMissing;
if (missing) {
  test('the broken network of a control plane', { skip: missing }, () => {}); // because machines are network namespaces
} else if (isInside) {
  test('a network that is broken beside one that is not', story);
} else {
  test('the broken network of a control plane, in network namespaces', () => runInside(import.meta.filename));
}

async function story(context: TestContext): Promise<void> {
  const { machine, isOnline, underLoad } = await openStage(context, { ownAddress: true });
  const drop = (verb: string): string =>
    `iptables-nft ${verb} INPUT -i eth0 -d ${machine.ipv4} -j DROP && iptables-nft ${verb} OUTPUT -o eth0 -s ${machine.ipv4} -j DROP`;
  await underLoad(['idle', 'backend'], async () => {
    await machine.shell(drop('-I'));
    await waitFor('the one elsewhere is with the other', () => isOnline('backend', 'other'), patience);
    await waitFor('the one on the machine is shown offline', async () => !(await isOnline('idle')), patience);
    // Asked about several times meanwhile, and long before it would be deleted.
    await sleep(8_000);
    assert.equal(await isOnline('idle'), false);
    await machine.shell(drop('-D'));
    await waitFor('it is online again', () => isOnline('idle'), patience);
  });
}
