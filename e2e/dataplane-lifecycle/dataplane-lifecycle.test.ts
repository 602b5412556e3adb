// A Dataplane that its proxy brings along comes and goes with it; one that was written before stays, and takes traffic only with its proxy.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { freePort } from '../../examples/demo/free-ports.ts';
import { dataplaneOf, startProxy } from '../../examples/demo/proxy.ts';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { openEchoService } from '../harness/echo-service.ts';
import { answers, openWorld, programs } from '../harness/world.ts';

const world = await openWorld({ KUMA_XDS_DATAPLANE_DEREGISTRATION_DELAY: '300ms' });
after(() => world.close());
const { controlPlane, folder } = world;

interface StoredDataplane {
  readonly labels: Readonly<Record<string, string>>;
  readonly networking: { readonly inbound: readonly { readonly state?: string }[] };
}

async function stored(name: string): Promise<StoredDataplane | undefined> {
  const { status, json } = await controlPlane.request('GET', `/meshes/default/dataplanes/${name}`);
  return status === 200 ? (json as StoredDataplane) : undefined;
}

test('a Dataplane that is brought along is there while its proxy is, ready when it is', async () => {
  const service = await world.start({ service: 'guest' });
  await waitFor(
    'it takes traffic',
    async () =>
      (await stored(service.name))?.networking.inbound[0]?.state === undefined &&
      (await stored(service.name)) !== undefined,
  );
  await service.proxy.stop();
  await waitFor('it is gone', async () => (await stored(service.name)) === undefined);
});

test('a Dataplane that was there before stays, and its proxy may go and come back', async () => {
  const echo = await openEchoService('resident');
  const resident = { name: 'resident', service: 'resident', servicePort: echo.port, inboundPort: await freePort() };
  await controlPlane.apply(dataplaneOf(resident));
  const client = await world.start({ service: 'client', calls: ['resident'] });
  for (let visit = 0; visit < 2; visit += 1) {
    const proxy = await startProxy({ ...resident, command: programs.dataPlane, controlPlane, folder, known: true });
    await answers(client.urlOf('resident'), 200);
    await proxy.stop();
    assert.equal(
      (await stored('resident'))?.networking.inbound[0]?.state,
      'NotReady',
      'nobody sends to a proxy that has left',
    );
  }
  await echo.close();
});
