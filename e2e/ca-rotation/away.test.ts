// Proxies that are between two connections during the steps of a rotation: the steps wait for them, and no request is lost.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { failedHandshakes, untilAllProxies } from '../harness/handshakes.ts';
import { openWorldByWay } from '../harness/way.ts';
import { allowAll, answers } from '../harness/world.ts';
import { meshWithBackends } from './mesh-with-backends.ts';

const { way, world } = await openWorldByWay();
const { controlPlane } = world;
await controlPlane.apply(allowAll);
await controlPlane.apply(meshWithBackends('first', 'first'));
// The service speaks TCP to Envoy's mind: every connection of the client is one, with a handshake, between the proxies.
const backend = await world.start({ service: 'backend', protocol: 'tcp' });
const client = await world.start({ service: 'client', calls: ['backend'] });
const services = [backend, client];
const url = client.urlOf('backend');
await answers(url, 200);
await untilAllProxies(world, 'issuedBackends', 'first', services.length);

/** Makes a step while all proxies are cut off, and lets them come back, one sooner than the other. */
async function whileAway(step: () => Promise<void>, until: () => Promise<unknown>): Promise<void> {
  const load = world.load({ url, perSecond: 100, newConnections: true });
  await waitFor('traffic flows', () => load.report().sent > 100);
  await way.cut(...services);
  await step();
  way.mend();
  await until();
  const before = load.report().sent;
  await waitFor('traffic goes on', () => load.report().sent > before + 200);
  const { sent, failures } = await load.stop();
  assert.deepEqual(failures, [], `${failures.length} of ${sent} requests failed`);
  for (const service of services) assert.deepEqual(await failedHandshakes(service), [], service.name);
}

const issues = (backendName: string) => untilAllProxies(world, 'issuedBackends', backendName, services.length);
const alone = (backendName: string) =>
  waitFor(`${backendName} alone is trusted`, async () => {
    const { json, text } = await controlPlane.request('GET', '/mesh-insights/default');
    const { mTLS } = json as { readonly mTLS?: { readonly supportedBackends: object } };
    if (Object.keys(mTLS?.supportedBackends ?? {}).join() === backendName) return true;
    throw new Error(text);
  });

for (const [from, to] of [
  ['first', 'second'],
  ['second', 'first'],
] as const) {
  test(`from ${from} to ${to}: who comes back first gets no certificate that the others do not trust yet`, () =>
    whileAway(
      () => controlPlane.apply(meshWithBackends(to, from, to)),
      () => issues(to),
    ));

  test(`${to} alone: nobody distrusts a certificate that somebody shows who is still away`, async () => {
    await controlPlane.apply(meshWithBackends(from, from, to));
    await issues(from);
    await whileAway(
      async () => {
        await controlPlane.apply(meshWithBackends(to, from, to));
        await controlPlane.apply(meshWithBackends(to, to));
      },
      async () => {
        await issues(to);
        await alone(to);
      },
    );
  });
}
