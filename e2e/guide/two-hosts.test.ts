// Every command of the guide "Two hosts" does what the guide says, from the start of the control plane on, at the usual ports of hosts that are network namespaces.
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { hostsMissing, isInside, openHosts, runInside } from '../harness/hosts.ts';
import { runHostsGuide } from '../harness/hosts-guide.ts';

const guide = join(import.meta.dirname, '../../docs/guide/two-hosts.md');

const missing = hostsMissing();
if (missing !== false) {
  test('the guide "Two hosts"', { skip: missing }, () => {}); // because its hosts are network namespaces
} else if (isInside) {
  test('the guide, block by block', story);
} else {
  test('the guide "Two hosts" does what it says', () => runInside(import.meta.filename));
}

async function story(context: TestContext): Promise<void> {
  const hosts = openHosts();
  const machines = { 'on the first host': hosts.add('first', 2), 'on the second host': hosts.add('second', 3) };
  await runHostsGuide(context, guide, hosts, machines, true);
}
