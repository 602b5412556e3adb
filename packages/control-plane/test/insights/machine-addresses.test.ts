// At which addresses of its machine an instance's proxies are.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noResponses, type ProxySubscription } from '../../src/insights/insight.ts';
import { machineAddresses } from '../../src/insights/machine-addresses.ts';
import { openLiveStore } from '../identity/live-store.ts';

const version = {
  kumaDp: { version: '', gitTag: '', gitCommit: '', buildDate: '' },
  envoy: { version: '', build: '' },
  dependencies: {},
};
const there: ProxySubscription = {
  ...{ id: 'id', controlPlaneInstanceId: 'one', connectTime: '2026-01-01T00:00:00Z', status: noResponses, version },
  sharesMachine: true,
};

test('those of the proxies that are connected to the instance from its own machine, as long as they are', async () => {
  const { live, put } = await openLiveStore({ type: 'Mesh', name: 'default', spec: {} });
  const of = machineAddresses(live);
  const tell = async (name: string, address: string, subscription: ProxySubscription): Promise<void> => {
    await put({ type: 'Dataplane', mesh: 'default', name, spec: { networking: { address } } });
    await put({ type: 'DataplaneInsight', mesh: 'default', name, spec: { subscriptions: [subscription] } });
  };
  const { sharesMachine: _, ...elsewhere } = there;
  await tell('web', '10.1.0.1', there);
  await tell('web-too', '10.1.0.1', there);
  await tell('far', '10.1.0.2', elsewhere);
  await tell('gone', '10.1.0.3', { ...there, disconnectTime: '2026-01-01T00:00:01Z' });
  await tell('other', '10.1.0.4', { ...there, controlPlaneInstanceId: 'two' });
  const networking = { address: '10.1.0.5', port: 10_001 };
  await put({ type: 'ZoneIngress', mesh: '', name: 'ingress', spec: { networking } });
  await put({ type: 'ZoneIngressInsight', mesh: '', name: 'ingress', spec: { subscriptions: [there] } });
  await put({ type: 'DataplaneInsight', mesh: 'default', name: 'without-resource', spec: { subscriptions: [there] } });
  await put({ type: 'DataplaneInsight', mesh: 'default', name: 'empty', spec: {} });
  assert.deepEqual([of('one'), of('two'), of('three')], [['10.1.0.1', '10.1.0.5'], ['10.1.0.4'], []]);
  await tell('web', '10.1.0.1', elsewhere);
  await tell('web-too', '10.1.0.6', there);
  assert.deepEqual(of('one'), ['10.1.0.6', '10.1.0.5']);
});
