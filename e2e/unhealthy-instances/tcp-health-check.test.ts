// MeshHealthCheck over TCP by traffic: an instance that no longer says what it should gets no connections until it does again.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { nameAt, openTcpService } from '../harness/tcp-service.ts';
import { openPolicyWorld, policy } from '../harness/world.ts';

const world = await openPolicyWorld();
const first = await openTcpService('db-first');
const second = await openTcpService('db-second');
after(() => Promise.all([world.close(), first.close(), second.close()]));
const { controlPlane } = world;
await world.start({ service: 'db', servicePort: first.port, protocol: 'tcp' });
await world.start({ service: 'db', servicePort: second.port, protocol: 'tcp' });
const client = await world.start({ service: 'client', calls: ['db'] });

/** Who answers a number of connections. */
async function answering(): Promise<readonly string[]> {
  const names = new Set<string>();
  for (let number = 0; number < 16; number += 1) names.add(await nameAt(client.portOf('db')));
  return [...names].sort();
}
const becomes = (what: string, wanted: readonly string[]) =>
  waitFor(
    what,
    async () => {
      const found = await answering();
      if (JSON.stringify(found) !== JSON.stringify(wanted)) throw new Error(JSON.stringify(found));
      return true;
    },
    { within: 30_000 },
  );

test('an instance that does not answer the check as it should is passed over', async () => {
  await becomes('both serve', ['db-first', 'db-second']);
  await second.close();
  await becomes('connections to the second one are closed', ['closed', 'db-first']);
  const conf = {
    interval: '200ms',
    timeout: '2s',
    unhealthyThreshold: 2,
    healthyThreshold: 1,
    noTrafficInterval: '200ms',
    tcp: { send: 'who?', receive: ['db-'] },
  };
  const to = [{ targetRef: { kind: 'MeshService', name: 'db' }, default: conf }];
  await controlPlane.apply(policy('MeshHealthCheck', 'db', { targetRef: { kind: 'Mesh' }, to }));
  await becomes('only the first one is left', ['db-first']);
  assert.match(await client.admin('/clusters?filter=db'), /failed_active_hc/);
});
