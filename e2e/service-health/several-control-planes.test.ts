// Several control planes: what the probes of a proxy at one of them find, all of them know; when that one dies, nobody becomes ready or unready by it.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { freePort } from '../../examples/demo/free-ports.ts';
import { startProxy } from '../../examples/demo/proxy.ts';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { type EchoService, openEchoService } from '../harness/echo-service.ts';
import { postgresMissing, startSeveral } from '../harness/several.ts';
import { programs } from '../harness/world.ts';

const patience = { within: 60_000 };

if (postgresMissing !== undefined) {
  test('probes with several control planes', { skip: postgresMissing }, () => undefined); // because they share a PostgreSQL
} else {
  const folder = mkdtempSync(join(tmpdir(), 'ursa-several-health-'));
  const several = await startSeveral(2, folder, { KUMA_INTER_CP_CATALOG_HEARTBEAT_INTERVAL: '1s' });
  const { together, instances } = several;
  const names = ['alive', 'dead', 'third'];
  const services = new Map<string, EchoService>();
  const proxies = await Promise.all(
    names.map(async (name) => {
      const echo = await openEchoService(name);
      services.set(name, echo);
      return startProxy({
        ...{ command: programs.dataPlane, controlPlane: together, folder, name, service: name },
        ...{ servicePort: echo.port, inboundPort: await freePort(), serviceProbe: { interval: '0.5s', tcp: {} } },
      });
    }),
  );
  after(async () => {
    await Promise.all(proxies.map(({ process }) => process.stop(1_000)));
    await Promise.all([...services.values()].map((service) => service.close()));
    await several.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const statesAt = async (instance: (typeof instances)[number]) => {
    const { json } = await instance.request('GET', '/meshes/default/dataplanes');
    const items = (json as { items: { name: string; networking: { inbound: { state?: string }[] } }[] }).items;
    return Object.fromEntries(items.map(({ name, networking }) => [name, networking.inbound[0]?.state]));
  };
  const all = (instance: (typeof instances)[number], wanted: object) =>
    waitFor(
      `all are ${JSON.stringify(wanted)}`,
      async () => {
        const states = await statesAt(instance);
        if (JSON.stringify(states) !== JSON.stringify(wanted)) throw new Error(JSON.stringify(states));
        return true;
      },
      patience,
    );
  const oneDead = { alive: 'Ready', dead: 'NotReady', third: 'Ready' };

  test('each knows what the proxies of the other have found', async () => {
    for (const instance of instances) await all(instance, { alive: 'Ready', dead: 'Ready', third: 'Ready' });
    await services.get('dead')?.close();
    for (const instance of instances) await all(instance, oneDead);
  });

  test('when one dies, its proxies go on at the other, with what was known; what changes is heard there', async () => {
    const [first, second] = instances;
    assert.ok(first !== undefined && second !== undefined);
    first.process().signal('SIGKILL');
    await first.process().exited;
    await waitFor(
      'the other has all proxies',
      async () => (await several.self(second)).proxies === names.length,
      patience,
    );
    assert.deepEqual(await statesAt(second), oneDead);
    await services.get('third')?.close();
    await all(second, { ...oneDead, third: 'NotReady' });
  });
}
