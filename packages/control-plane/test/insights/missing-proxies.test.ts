// What the leader does about proxies that went while nobody looked: others stop sending there, unless it may be the network.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Resource } from '@ursa/resources';
import { noResponses, type ProxySubscription } from '../../src/insights/insight.ts';
import { type MissingProxiesOptions, missingProxies } from '../../src/insights/missing-proxies.ts';
import type { Place, ProxyOfInstance } from '../../src/instances/instance-fate.ts';
import { manualClock, openLiveStore } from '../identity/live-store.ts';
import { silent } from '../instances/led.ts';

const start = Date.parse('2026-01-05T00:00:00Z');
const patience = 10_000;
const quiet = 3000;
const settled = () => new Promise((resolve) => setTimeout(resolve, 5));
const version = {
  kumaDp: { version: '', gitTag: '', gitCommit: '', buildDate: '' },
  envoy: { version: '', build: '' },
  dependencies: {},
};
const connectTime = '2026-01-01T00:00:00.000Z';
const open: ProxySubscription = {
  ...{ id: 'one', controlPlaneInstanceId: 'one', connectTime, status: noResponses, version },
  registered: true,
};
const closed: ProxySubscription = { ...open, disconnectTime: '2026-01-01T00:00:01.000Z' };

async function openWorld(options: Partial<MissingProxiesOptions> = {}) {
  const { store, live, put, remove } = await openLiveStore({ type: 'Mesh', name: 'default', spec: {} });
  const own = { ...store };
  const clock = manualClock(start);
  const part = missingProxies({
    store: own,
    clock,
    patience,
    quiet,
    withhold: (resource: Resource) => ({ ...resource, labels: { ...resource.labels, withheld: 'yes' } }),
    log: silent,
    onError: (error) => {
      throw error;
    },
    ...options,
  });
  return {
    store: own,
    clock,
    part,
    async tell(name: string, ...subscriptions: readonly ProxySubscription[]) {
      const key = { mesh: 'default', name };
      await put({ ...key, type: 'Dataplane', spec: {} });
      await put({ ...key, type: 'DataplaneInsight', spec: { subscriptions } });
    },
    async remove(name: string) {
      for (const type of ['DataplaneInsight', 'Dataplane']) await remove(type, 'default', name);
    },
    async at(milliseconds: number) {
      clock.moveTo(start + milliseconds);
      await settled();
    },
    isWithheld: (name: string) => live.get({ type: 'Dataplane', mesh: 'default', name })?.labels.withheld === 'yes',
  };
}

test('a proxy that was gone before the start is withheld when its time is over; one that came back, or is only stored, is not', async () => {
  const { tell, part, at, isWithheld, clock } = await openWorld();
  for (const name of ['web', 'api', 'other']) await tell(name, open);
  await tell('dead', closed);
  await tell('late', closed);
  await tell('stored', { ...closed, registered: false });
  await part.start();
  await at(5000);
  await tell('late', open);
  await at(patience - 1);
  assert.equal(isWithheld('dead'), false);
  await at(patience);
  assert.deepEqual(['dead', 'late', 'web', 'stored'].map(isWithheld), [true, false, false, false]);
  assert.equal(clock.timers(), 0, 'nothing ticks when everybody is dealt with');
  await part.stop();
});

test('while proxies keep coming back, everybody is waited for', async () => {
  const { tell, part, at, isWithheld } = await openWorld();
  for (const name of ['web', 'api', 'late', 'later', 'dead']) await tell(name, closed);
  await part.start();
  for (const name of ['web', 'api']) await tell(name, open);
  await at(patience - 1000);
  await tell('late', open);
  await at(patience);
  assert.equal(isWithheld('dead'), false);
  await at(patience + 1000);
  await tell('later', open);
  await at(patience + 1000 + quiet - 1);
  assert.equal(isWithheld('dead'), false);
  await at(patience + 1000 + quiet);
  assert.deepEqual([isWithheld('dead'), isWithheld('later')], [true, false]);
  await part.stop();
});

test('when most are missing, nobody is withheld: it may be the network', async () => {
  const { tell, part, at, isWithheld } = await openWorld();
  await tell('web', open);
  for (const name of ['one', 'two']) await tell(name, closed);
  await part.start();
  await at(10 * patience);
  assert.deepEqual([isWithheld('one'), isWithheld('two')], [false, false]);
  await part.stop();
});

test('who was spared while most were missing is withheld when most are there again and it stays away', async () => {
  const { tell, remove, part, at, isWithheld, clock } = await openWorld({ patienceAfterOutage: 2 * patience });
  await tell('web', open);
  for (const name of ['dead', 'late', 'back']) await tell(name, closed);
  await part.start();
  await at(5 * patience);
  assert.deepEqual(['dead', 'late', 'back'].map(isWithheld), [false, false, false]);
  assert.equal(clock.timers(), 0, 'nothing ticks while most are missing');
  await tell('back', open);
  await at(6 * patience);
  await tell('late', open);
  await at(7 * patience - 1);
  assert.equal(isWithheld('dead'), false, 'it has as long as anybody to come back');
  await at(7 * patience);
  assert.deepEqual(['dead', 'late', 'back'].map(isWithheld), [true, false, false]);
  // Fewer may be missing also because their resources are deleted.
  for (const name of ['one', 'two', 'three']) await tell(name, closed);
  await at(9 * patience);
  assert.deepEqual(['one', 'two', 'three'].map(isWithheld), [false, false, false]);
  for (const name of ['dead', 'three']) await remove(name);
  await at(11 * patience);
  assert.deepEqual(['one', 'two'].map(isWithheld), [true, true]);
  await part.stop();
});

test('who said goodbye is not missed, and who is connected without having brought its resource counts as there', async () => {
  const { tell, part, at, isWithheld } = await openWorld({ isExcused: ({ name }) => name.startsWith('left') });
  for (const name of ['left-1', 'left-2', 'left-3', 'dead', 'dead-too']) await tell(name, closed);
  await tell('web', open);
  await tell('stored', { ...open, registered: false });
  await part.start();
  await at(patience);
  assert.deepEqual(['dead', 'dead-too', 'left-1', 'web'].map(isWithheld), [true, true, false, false]);
  await part.stop();
});

test('what the store does not take is tried again', async () => {
  const errors: unknown[] = [];
  const { tell, part, at, isWithheld, store } = await openWorld({ onError: (error) => void errors.push(error) });
  for (const name of ['web', 'api']) await tell(name, open);
  await tell('dead', closed);
  await part.start();
  const { write } = store;
  Object.assign(store, { write: () => Promise.reject(new Error('the store is away')) });
  await at(patience);
  Object.assign(store, { write });
  assert.deepEqual([errors.length, isWithheld('dead')], [1, false]);
  await at(2 * patience);
  assert.equal(isWithheld('dead'), true);
  await part.stop();
});

test('who does not lead withholds nobody', async () => {
  const { tell, part, at, isWithheld, clock } = await openWorld();
  await tell('web', open);
  await tell('dead', closed);
  await part.start();
  await part.stop();
  assert.equal(clock.timers(), 0);
  await at(10 * patience);
  assert.equal(isWithheld('dead'), false);
});

test('where several instances share the store, a proxy is withheld only when its instance is known to have ended', async () => {
  const asked: string[] = [];
  const ended = new Set(['killed']);
  const { tell, part, at, isWithheld } = await openWorld({
    notBefore: start + 2 * patience,
    fateOf: async (instance) => {
      asked.push(instance);
      return ended.has(instance) ? 'ended' : 'unknown';
    },
  });
  for (const name of ['web', 'api', 'other']) await tell(name, open);
  await tell('dead', { ...closed, controlPlaneInstanceId: 'killed' });
  await tell('unsure', { ...closed, controlPlaneInstanceId: 'silent' });
  await part.start();
  await at(patience);
  assert.deepEqual(asked, [], 'nobody is looked at so soon after the start');
  await at(2 * patience);
  assert.deepEqual(asked.toSorted(), ['killed', 'silent']);
  assert.deepEqual([isWithheld('dead'), isWithheld('unsure')], [true, false]);
  ended.add('silent');
  await at(3 * patience);
  assert.equal(isWithheld('unsure'), true, 'it was asked again');
  await part.stop();
});

const time = (milliseconds: number) => new Date(start + milliseconds).toISOString();
const silentMachine = { addresses: ['10.0.0.1', '10.1.0.1'], silence: 12_000 };
const ofSilent: ProxySubscription = { ...closed, controlPlaneInstanceId: 'silent' };
/** `there` and `beside` are on the machine of the instance `silent`. */
const addresses: Readonly<Record<string, string>> = { there: '10.0.0.1', beside: '10.1.0.1' };
const placeOf = ({ name }: { readonly name: string }): Place => ({
  address: addresses[name] ?? '10.0.0.2',
  ports: [8080],
});

test('when the machine of an instance is silent and those elsewhere have left it, those on it are withheld, and nobody else', async () => {
  const told: (readonly ProxyOfInstance[])[] = [];
  const { tell, part, at, isWithheld } = await openWorld({
    fateOf: async (_, places) => {
      told.push(places);
      return silentMachine;
    },
    placeOf,
  });
  for (const name of ['web', 'api']) await tell(name, open);
  // Moved to another instance long before this one fell silent; and one whose new instance has a clock of its own.
  await tell('moved', ofSilent, { ...open, connectTime: time(-60_000) });
  await tell('ahead', ofSilent, { ...open, connectTime: time(300_000) });
  await tell('there', ofSilent);
  await tell('beside', { ...ofSilent, sharesMachine: true });
  await tell('elsewhere', ofSilent);
  await part.start();
  await at(patience);
  assert.deepEqual(
    told.flat().map(({ address, sharesMachine }) => `${address} ${sharesMachine}`),
    ['10.0.0.1 false', '10.1.0.1 true', '10.0.0.2 false'],
  );
  assert.equal(isWithheld('there'), false, 'nobody elsewhere has left it: it may only be cut off from us');
  // It has lost its first connection to its new instance already.
  const soon = { connectTime: time(patience - 1000), disconnectTime: time(patience) };
  await tell('left', ofSilent, { ...open, ...soon }, { ...open, connectTime: time(patience + 1000) });
  await at(2 * patience);
  assert.deepEqual(['there', 'beside'].map(isWithheld), [true, true]);
  assert.deepEqual(['elsewhere', 'left', 'moved'].map(isWithheld), [false, false, false]);
  await part.stop();
});

test('when more have stayed with a silent instance than have left it, nobody is withheld, whether their connections were ended already or not', async () => {
  const { tell, part, at, isWithheld } = await openWorld({ fateOf: async () => silentMachine, placeOf });
  for (const name of ['web', 'api']) await tell(name, open);
  await tell('left', ofSilent, { ...open, connectTime: time(patience - 1000) });
  await tell('there', ofSilent);
  await tell('ended', ofSilent);
  await tell('open', { ...open, controlPlaneInstanceId: 'silent' });
  await part.start();
  await at(patience);
  await at(5 * patience);
  assert.deepEqual(['there', 'ended', 'open'].map(isWithheld), [false, false, false]);
  await part.stop();
});
