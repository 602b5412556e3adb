// A rotation in a mesh whose traffic leaves through a zone egress that is between two connections during each step: they wait for it, and no request is lost.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { openEchoService } from '../harness/echo-service.ts';
import { failedHandshakes, untilAllProxies } from '../harness/handshakes.ts';
import { openWorldByWay } from '../harness/way.ts';
import { allowAll, answers } from '../harness/world.ts';
import { startEgress } from '../harness/zone-egress.ts';
import { meshWithBackends } from './mesh-with-backends.ts';

interface EgressInsight {
  readonly subscriptions: readonly object[];
  readonly meshes?: {
    readonly default?: { readonly issuedBackend: string; readonly supportedBackends: readonly string[] };
  };
}

const { way, world } = await openWorldByWay();
const { controlPlane } = world;
await controlPlane.apply(allowAll);
await controlPlane.apply(meshWithBackends('first', 'first'));
const partner = await openEchoService('partner');
after(() => partner.close());
// TCP to Envoy's mind: every connection of the client is one, with a handshake, to the egress.
const match = { type: 'HostnameGenerator', port: 443, protocol: 'tcp' };
const endpoints = [{ address: '127.0.0.1', port: partner.port }];
await controlPlane.apply({ type: 'MeshExternalService', mesh: 'default', name: 'partner', spec: { match, endpoints } });
const client = await world.start({ service: 'client', outside: ['partner'] });
const ofOthers = way.connections();
const egress = await startEgress(world, 'edge');
after(() => egress.stop());
const url = client.urlOf('partner');
await answers(url, 200, 20_000);

async function insight(): Promise<EgressInsight> {
  const { json } = await controlPlane.request('GET', '/zoneegresses/edge/_overview');
  return (json as { readonly zoneEgressInsight: EgressInsight }).zoneEgressInsight;
}

/** Waits until client and egress have certificates of a backend, and what the egress trusts. */
async function issuedBy(backend: string, ...trusted: readonly string[]): Promise<void> {
  await untilAllProxies(world, 'issuedBackends', backend, 1);
  await waitFor(`the egress has a certificate of ${backend} and trusts ${trusted}`, async () => {
    const found = (await insight()).meshes?.default;
    if (found?.issuedBackend === backend && found.supportedBackends.join() === trusted.join()) return true;
    throw new Error(JSON.stringify(found));
  });
}

/** Makes a step while the egress is cut off and the client is not. */
async function whileEgressIsAway(step: () => Promise<void>, until: () => Promise<void>): Promise<void> {
  const load = world.load({ url, perSecond: 100, newConnections: true });
  const moreThan = (count: number) => waitFor('traffic flows', () => load.report().sent > count);
  await moreThan(100);
  way.cutAllBut(ofOthers);
  await waitFor('the egress is offline', async () =>
    (await insight()).subscriptions.every((subscription) => 'disconnectTime' in subscription),
  );
  await step();
  await moreThan(load.report().sent + 100);
  way.mend();
  await until();
  await moreThan(load.report().sent + 200);
  const { sent, failures } = await load.stop();
  assert.deepEqual(failures, [], `${failures.length} of ${sent} requests failed`);
  assert.deepEqual(await failedHandshakes(client), []);
}

test('a backend issues when the egress trusts it, too', async () => {
  await issuedBy('first', 'first');
  await whileEgressIsAway(
    () => controlPlane.apply(meshWithBackends('second', 'first', 'second')),
    () => issuedBy('second', 'first', 'second'),
  );
});

test('a backend that is taken away is trusted until the egress shows another certificate', async () => {
  await whileEgressIsAway(
    async () => {
      await controlPlane.apply(meshWithBackends('first', 'first', 'second'));
      await controlPlane.apply(meshWithBackends('first', 'first'));
    },
    () => issuedBy('first', 'first'),
  );
});
