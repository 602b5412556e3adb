// Host names that proxies have for an address: looked up while they stand somewhere, kept through outages of DNS, and nothing is done without any.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setImmediate as settled } from 'node:timers/promises';
import { hostAddresses } from '../../src/generators/host-addresses.ts';
import { type Draft, manualClock, openLiveStore } from '../identity/live-store.ts';

const timeToLive = 10_000;

function dataplane(name: string, networking: object): Draft {
  return { type: 'Dataplane', mesh: 'default', name, spec: { networking } };
}

async function open(context: TestContext, ...resources: readonly Draft[]) {
  const { live, put, remove } = await openLiveStore(...resources);
  const dns = new Map<string, readonly string[]>();
  const asked: string[] = [];
  const said: string[] = [];
  const clock = manualClock(0);
  const addresses = live.graph.source<string>('addresses');
  const component = hostAddresses({
    ...{ live, clock, addresses, timeToLive },
    async lookup(host) {
      asked.push(host);
      const found = dns.get(host);
      if (found === undefined) throw new Error('ENOTFOUND');
      return found;
    },
    onFailure: (host, reason) => said.push(`${host}: ${reason}`),
    onRecovery: (host) => said.push(`${host}: back`),
  });
  context.after(() => component.stop());
  let time = 0;
  const later = async (): Promise<void> => {
    time += timeToLive;
    clock.moveTo(time);
    await settled();
  };
  return { component, addresses, dns, asked, said, clock, put, remove, later };
}

test('names that are there have their address when starting is over; those that come, soon after', async (context) => {
  const egress = { type: 'ZoneEgress', name: 'egress-1', spec: { networking: { address: 'egress.example' } } };
  const { component, addresses, dns, put } = await open(
    context,
    egress,
    dataplane('web', { address: '192.0.2.1', advertisedAddress: 'web.example' }),
  );
  dns.set('egress.example', ['2001:db8::1', '192.0.2.9', '192.0.2.8']);
  dns.set('web.example', ['2001:db8::2']);
  dns.set('api.example', ['192.0.2.3']);
  await component.start();
  assert.equal(addresses.get('egress.example'), '192.0.2.8');
  assert.equal(addresses.get('web.example'), '2001:db8::2');
  await put(dataplane('api', { address: 'api.example' }));
  await settled();
  assert.equal(addresses.get('api.example'), '192.0.2.3');
});

test('an address is kept while the name has it, and while DNS does not answer', async (context) => {
  const { component, addresses, dns, said, later } = await open(context, dataplane('api', { address: 'api.example' }));
  dns.set('api.example', ['192.0.2.5']);
  await component.start();
  dns.set('api.example', ['192.0.2.4', '192.0.2.5']);
  await later();
  assert.equal(addresses.get('api.example'), '192.0.2.5');
  dns.delete('api.example');
  await later();
  await later();
  assert.equal(addresses.get('api.example'), '192.0.2.5');
  dns.set('api.example', ['192.0.2.6']);
  await later();
  assert.equal(addresses.get('api.example'), '192.0.2.6');
  assert.deepEqual(said, ['api.example: ENOTFOUND', 'api.example: back']);
});

test('who has no host name costs nothing, and one that goes is forgotten', async (context) => {
  const { component, addresses, dns, asked, clock, put, remove, later } = await open(
    context,
    dataplane('web', { address: '192.0.2.1' }),
  );
  dns.set('api.example', ['192.0.2.5']);
  await component.start();
  assert.equal(clock.timers(), 0);
  await put(dataplane('api', { address: 'api.example' }), dataplane('api-2', { address: 'api.example' }));
  await settled();
  await remove('Dataplane', 'default', 'api');
  assert.equal(addresses.get('api.example'), '192.0.2.5');
  await put(dataplane('api-2', { address: '192.0.2.7' }));
  assert.equal(addresses.get('api.example'), undefined);
  const before = asked.length;
  await later();
  assert.equal(asked.length, before);
  assert.equal(clock.timers(), 0);
});
