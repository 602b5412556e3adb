// A service is replaced instance by instance, application and proxy together, while clients keep calling without any retry policy: the old instance
// leaves before the new one starts, and no request is lost. `URSA_RESTARTS=20 npm run e2e -- exec` replaces twenty.
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { freePort } from '../../examples/demo/free-ports.ts';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { executes } from '../harness/executed.ts';
import { allow, answers, meshWith, openWorld } from '../harness/world.ts';

const restarts = Number(process.env.URSA_RESTARTS ?? 4);
const world = await openWorld();
const { controlPlane } = world;
const started = new Set<ChildProcess>();
after(async () => {
  for (const child of started) child.kill('SIGKILL');
  await world.close();
});
const exec = executes(world, started);
const serverProgram = join(import.meta.dirname, '../harness/plain-server.ts');

test(`${restarts} rolling restarts of applications with their proxies lose no request`, async (context) => {
  await controlPlane.apply(meshWith('STRICT'));
  await controlPlane.apply(allow('client'));
  const retries = await controlPlane.request('DELETE', '/meshes/default/meshretries/mesh-retry-all-default');
  assert.equal(retries.status, 200);
  const client = await world.start({ service: 'client', calls: ['pool'] });
  const url = client.urlOf('pool');
  const begin = async (number: number) => {
    const [servicePort, inboundPort] = [await freePort(), await freePort()];
    const name = `pool-${number}`;
    const words = [process.execPath, serverProgram, 'http', '127.0.0.1', String(servicePort), name];
    return await exec({ name, service: 'pool', servicePort, inboundPort, application: () => words });
  };
  const pool = [await begin(0), await begin(1)];
  await answers(url, 200, 30_000);
  const loads = [world.load({ url, perSecond: 200 }), world.load({ url, perSecond: 50, newConnections: true })];
  const isHeard = (name: string): boolean =>
    loads.every((load) => Object.keys(load.report().answers).some((body) => body.startsWith(`${name} `)));
  for (const { name } of pool) await waitFor(`${name} has traffic`, () => isHeard(name), { within: 30_000 });
  for (let number = 2; number < restarts + 2; number += 1) {
    const old = pool.shift();
    old?.child.kill('SIGTERM');
    assert.equal(await old?.exited, 143, old?.stderr());
    const next = await begin(number);
    pool.push(next);
    await waitFor(`${next.name} has traffic`, () => isHeard(next.name), { within: 30_000 });
  }
  for (const load of loads) {
    const { sent, failures } = await load.stop();
    context.diagnostic(`${sent} requests`);
    assert.deepEqual(failures, [], `${failures.length} of ${sent} requests failed`);
  }
});
