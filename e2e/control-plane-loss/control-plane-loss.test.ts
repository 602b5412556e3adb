// The control plane is never on the path of a request: killed, traffic flows; back, it is listened to again.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { allow, answers, meshWith, openWorld } from '../harness/world.ts';

const world = await openWorld();
after(() => world.close());
const { controlPlane } = world;
await controlPlane.apply(meshWith('STRICT'));
await controlPlane.apply(allow('client'));
const backend = await world.start({ service: 'backend' });
const client = await world.start({ service: 'client', calls: ['backend'] });
const url = client.urlOf('backend');
await answers(url, 200);

// The machine may have much else to do: what is asserted is that no request fails, not how long things take.
const patience = { within: 60_000 };

test('killed and started again, it costs no request, and proxies follow it again', async () => {
  const load = world.load({ url, perSecond: 100 });
  controlPlane.process().signal('SIGKILL');
  await controlPlane.process().exited;
  await waitFor('there is traffic without it', () => load.report().sent > 100, patience);
  await controlPlane.restart();
  await waitFor(
    'both proxies are connected again',
    async () => {
      const states = await Promise.all(
        [backend, client].map((service) => service.admin('/stats?filter=control_plane.connected_state')),
      );
      return states.every((state) => state.includes('connected_state: 1'));
    },
    patience,
  );
  const { sent, failures } = await load.stop();
  assert.deepEqual(failures, [], `${failures.length} of ${sent} requests failed`);
  await controlPlane.delete(allow('client'));
  await answers(url, 403, patience.within);
  await controlPlane.apply(allow('client'));
  await answers(url, 200, patience.within);
});

test('a proxy that starts while it is away comes up when it is back', async () => {
  const token = await controlPlane.dataplaneToken('default', 'late');
  controlPlane.process().signal('SIGKILL');
  await controlPlane.process().exited;
  const starting = world.start({
    service: 'late',
    folder: world.folder,
    token,
    environment: { KUMA_CONTROL_PLANE_RETRY_BACKOFF: '200ms' },
  });
  await sleep(500);
  await controlPlane.restart();
  await starting;
});
