// A zone egress and a zone ingress may have one name: they are connected at once, and what becomes of one is nothing to the other.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { typeUrls } from '@ursa/envoy';
import type { ZoneEgressSpec } from '@ursa/resources';
import type { ProxyInsight } from '../../src/insights/insight.ts';
import { connectTo, type TestConnection } from './ads-client.ts';
import { configurationOf, edsCluster } from './hand-made-mesh.ts';
import { type RunningServer, startServer, until } from './running-server.ts';

describe('an egress and an ingress of one name', () => {
  let running: RunningServer;
  let connection: TestConnection;
  before(async () => {
    running = await startServer({
      settings: { 'dpServer.authn.zoneProxy.type': 'none', 'xdsServer.dataplaneDeregistrationDelay': 30 },
    });
    connection = await connectTo(running.port);
  });
  after(async () => {
    connection.close();
    await running.stop();
  });

  const resources = {
    egress: { type: 'ZoneEgress', name: 'edge', networking: { address: '127.0.0.1', port: 10002 } },
    ingress: { type: 'ZoneIngress', name: 'edge', networking: { address: '127.0.0.1', port: 10001 } },
  };
  const connectAs = (proxyType: keyof typeof resources) => {
    const stream = connection.delta();
    const metadata = { 'dataplane.proxyType': proxyType, 'dataplane.resource': JSON.stringify(resources[proxyType]) };
    stream.send({ node: { id: '.edge', metadata }, typeUrl: typeUrls.cluster });
    return stream;
  };
  const isOnline = async (type: string) => {
    await running.insight('edge');
    const insight = running.get(type, '', 'edge')?.spec as ProxyInsight | undefined;
    return insight?.subscriptions.map(({ disconnectTime }) => disconnectTime === undefined);
  };

  test('are connected at once, with a configuration and an insight each', async () => {
    running.configure('/edge', configurationOf(edsCluster('of-the-egress')));
    running.configure('/ingress:edge', configurationOf(edsCluster('of-the-ingress')));
    const egress = connectAs('egress');
    assert.equal((await egress.next()).resources[0]?.name, 'of-the-egress');
    const ingress = connectAs('ingress');
    assert.equal((await ingress.next()).resources[0]?.name, 'of-the-ingress');
    assert.deepEqual([...running.proxies()].sort(), ['/edge', '/ingress:edge']);
    assert.deepEqual(
      running.server.rollout.at(Number.MAX_SAFE_INTEGER).proxies.map(({ proxy }) => proxy.type),
      ['ZoneEgress', 'ZoneIngress'],
    );
    assert.deepEqual([await isOnline('ZoneEgressInsight'), await isOnline('ZoneIngressInsight')], [[true], [true]]);

    ingress.cancel();
    await ingress.ended();
    await until(() => running.get('ZoneIngress', '', 'edge') === undefined);
    assert.deepEqual(await isOnline('ZoneEgressInsight'), [true]);
    assert.deepEqual(running.proxies(), ['/edge']);
    running.configure('/edge', configurationOf(edsCluster('of-the-egress'), edsCluster('another')));
    assert.equal((await egress.next()).resources[0]?.name, 'another');
    const { networking } = (running.get('ZoneEgress', '', 'edge')?.spec ?? {}) as ZoneEgressSpec;
    assert.equal(networking?.port, 10002);
    egress.cancel();
    await egress.ended();
  });
});
