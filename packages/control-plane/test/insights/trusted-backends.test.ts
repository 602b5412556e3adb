// Whom a rotation waits for: who is connected, and who was a moment ago, but not for ever.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noResponses, type ProxyInsight } from '../../src/insights/insight.ts';
import { openRecentlyGone } from '../../src/insights/recently-gone.ts';
import { deriveBackendsInUse } from '../../src/insights/trusted-backends.ts';
import { manualClock, openLiveStore } from '../identity/live-store.ts';

const start = Date.parse('2026-01-01T00:00:00Z');
const withheld = { 'kuma.io/withheld-ports': '8080' };

const subscription = (endedAt?: number): ProxyInsight['subscriptions'][number] => ({
  id: '1',
  controlPlaneInstanceId: 'cp',
  connectTime: new Date(start).toISOString(),
  ...(endedAt === undefined ? {} : { disconnectTime: new Date(endedAt).toISOString() }),
  status: noResponses,
  version: {
    kumaDp: { version: '2.14.3', gitTag: '', gitCommit: '', buildDate: '' },
    envoy: { version: '1.40.0', build: '' },
    dependencies: {},
  },
});
const certificate = (issuedBackend: string, ...supportedBackends: readonly string[]): ProxyInsight['mTLS'] => ({
  certificateExpirationTime: '',
  lastCertificateRegeneration: '',
  certificateRegenerations: 1,
  issuedBackend,
  supportedBackends,
});

async function open() {
  const { live, put, remove } = await openLiveStore({ type: 'Mesh', name: 'default', spec: {} });
  const clock = manualClock(start);
  const openHere = () => {
    const gone = openRecentlyGone(live, clock);
    return { ...deriveBackendsInUse(live, gone.proxies), gone };
  };
  const insight = (name: string, mTLS: ProxyInsight['mTLS'], endedAt?: number) =>
    put({
      type: 'DataplaneInsight',
      mesh: 'default',
      name,
      spec: { subscriptions: [subscription(endedAt)], ...(mTLS === undefined ? {} : { mTLS }) },
    });
  return {
    clock,
    openHere,
    insight,
    remove,
    async proxy(name: string, mTLS: ProxyInsight['mTLS'], labels: Record<string, string> = {}, endedAt?: number) {
      await put({ type: 'Dataplane', mesh: 'default', name, labels, spec: { networking: { address: '192.0.2.1' } } });
      await insight(name, mTLS, endedAt);
    },
  };
}

test('who is connected and does not trust a backend is waited for; who has no certificate is not', async () => {
  const { proxy, insight, openHere } = await open();
  const { isTrustedByAll, isUsed, lastOf } = openHere();
  await proxy('web', certificate('one', 'one'));
  await proxy('new', undefined);
  await proxy('other', certificate('one', 'one', 'two'));
  assert.equal(isTrustedByAll.get('default', 'two'), false);
  await insight('web', certificate('two', 'one', 'two'));
  assert.equal(isTrustedByAll.get('default', 'two'), true);
  assert.deepEqual(
    ['one', 'two', 'three'].map((name) => isUsed.get('default', name)),
    [true, true, false],
  );
  assert.deepEqual(
    ['default/web', 'default/new', 'default//egress'].map((key) => lastOf.get(key)),
    ['two', undefined, undefined],
  );
});

test('who is between two connections is waited for until it has answered, and ten seconds at most', async () => {
  const { proxy, insight, clock, openHere } = await open();
  const { isTrustedByAll, isUsed, gone } = openHere();
  await proxy('web', certificate('one', 'one'));
  await insight('web', certificate('one', 'one'), start);
  assert.deepEqual([isTrustedByAll.get('default', 'two'), isUsed.get('default', 'one')], [false, true]);
  clock.moveTo(start + 5_000);
  await insight('web', certificate('one', 'one'));
  clock.moveTo(start + 20_000);
  assert.equal(isTrustedByAll.get('default', 'two'), false, 'it is back and has not answered');
  await insight('web', certificate('one', 'one'), start);
  clock.moveTo(start + 29_999);
  assert.equal(isTrustedByAll.get('default', 'two'), false, 'it has gone again, whatever time was written');
  clock.moveTo(start + 30_000);
  assert.deepEqual([isTrustedByAll.get('default', 'two'), isUsed.get('default', 'one')], [true, false]);
  assert.equal(clock.timers(), 0);
  gone.stop();
});

test('several that go one after the other are waited for as long each, by one timer', async () => {
  const { proxy, insight, clock, openHere, remove } = await open();
  const { isTrustedByAll } = openHere();
  for (const name of ['one', 'two', 'three']) {
    await proxy(name, certificate('one', 'one'));
    await insight(name, certificate('one', 'one'), start);
    clock.moveTo(clock.now() + 1_000);
  }
  assert.equal(clock.timers(), 1);
  clock.moveTo(start + 11_500);
  assert.equal(isTrustedByAll.get('default', 'two'), false);
  await remove('DataplaneInsight', 'default', 'three');
  assert.equal(isTrustedByAll.get('default', 'two'), true);
});

test('who leaves is not waited for, who is taken for lost is', async () => {
  const { proxy, insight, openHere } = await open();
  const { isTrustedByAll } = openHere();
  await proxy('leaves', certificate('one', 'one'), withheld);
  await insight('leaves', certificate('one', 'one'), start);
  assert.equal(isTrustedByAll.get('default', 'two'), true);
  await proxy('lost', certificate('one', 'one'), { ...withheld, 'kuma.io/withheld-because': 'lost' });
  await insight('lost', certificate('one', 'one'), start);
  assert.equal(isTrustedByAll.get('default', 'two'), false);
});

test('who had gone before the control plane came is waited for as long as there is left, by no clock of another', async () => {
  const { proxy, clock, openHere } = await open();
  await proxy('long', certificate('one', 'one'), {}, start - 10_000);
  await proxy('short', certificate('two', 'two'), {}, start - 6_000);
  await proxy('ahead', certificate('three', 'three'), {}, start + 60_000);
  const { isUsed } = openHere();
  const used = () => ['one', 'two', 'three'].filter((name) => isUsed.get('default', name));
  assert.deepEqual(used(), ['two', 'three']);
  clock.moveTo(start + 4_000);
  assert.deepEqual(used(), ['three']);
  clock.moveTo(start + 10_000);
  assert.deepEqual(used(), []);
});
