// A service is replaced instance by instance while clients keep calling, without any retry policy: no request is lost, neither at a new
// instance that is not listening yet nor at an old one that leaves.
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
assert.equal((await controlPlane.request('DELETE', '/meshes/default/meshretries/mesh-retry-all-default')).status, 200);
let instance = await world.start({ service: 'backend' });
const client = await world.start({ service: 'client', calls: ['backend'] });
const url = client.urlOf('backend');
await answers(url, 200);
const restarts = 5;

test(`${restarts} rolling restarts under load lose no request`, async () => {
  const loads = [world.load({ url, perSecond: 200 }), world.load({ url, perSecond: 50, newConnections: true })];
  for (let count = 0; count < restarts; count += 1) {
    const next = await world.start({ service: 'backend' });
    await waitFor('the new instance has traffic', () => next.echo.answered() > 20);
    await instance.proxy.stop();
    instance = next;
  }
  await sleep(300);
  for (const load of loads) {
    const { sent, failures } = await load.stop();
    assert.deepEqual(failures, [], `${failures.length} of ${sent} requests failed`);
  }
});
