// What the leader does about proxies that are gone: ends their connections, deletes their insights, deregisters who stays away.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ResourceKey } from '@ursa/resources';
import { defaultSettings } from '../../src/config/load-settings.ts';
import { endedConnections } from '../../src/insights/ended-connections.ts';
import { noResponses, type ProxyInsight, type ProxySubscription } from '../../src/insights/insight.ts';
import { offlineProxies } from '../../src/insights/offline-proxies.ts';
import { orphanedInsights } from '../../src/insights/orphaned-insights.ts';
import type { Instances } from '../../src/instances/instances.ts';
import { manualClock, openLiveStore } from '../identity/live-store.ts';
import { silent } from '../instances/led.ts';

const onError = (error: unknown): never => {
  throw error;
};
/** Turns of the event loop instead of time: the memory store is done with a write after two. */
const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};
const start = Date.parse('2026-01-05T00:00:00Z');
const minute = 60_000;
const hour = 60 * minute;

function subscription(instance: string, more: Partial<ProxySubscription> = {}): ProxySubscription {
  const version = {
    kumaDp: { version: '', gitTag: '', gitCommit: '', buildDate: '' },
    envoy: { version: '', build: '' },
    dependencies: {},
  };
  const connectTime = '2026-01-01T00:00:00.000Z';
  return { id: instance, controlPlaneInstanceId: instance, connectTime, status: noResponses, version, ...more };
}

async function openWorld() {
  const { store, live, put, remove } = await openLiveStore({ type: 'Mesh', name: 'default', spec: {} });
  const proxy = (name: string): ResourceKey => ({ type: 'Dataplane', mesh: 'default', name });
  return {
    store,
    live,
    put,
    remove,
    proxy,
    async connect(name: string, ...subscriptions: readonly ProxySubscription[]) {
      await put(
        { ...proxy(name), spec: {} },
        { type: 'DataplaneInsight', mesh: 'default', name, spec: { subscriptions } },
      );
    },
    insight: (name: string) => live.get({ ...proxy(name), type: 'DataplaneInsight' })?.spec as ProxyInsight | undefined,
    isThere: (name: string) => live.get(proxy(name)) !== undefined,
  };
}

function instancesNamed(...names: string[]): Instances & { leave(name: string): void; asked(): number } {
  const listeners = new Set<() => void>();
  let asked = 0;
  return {
    self: 'one',
    list: () => [],
    isLiving: () => true,
    async living() {
      asked += 1;
      return new Set(names);
    },
    onGone(listener) {
      listeners.add(listener);
      return { stop: () => listeners.delete(listener) };
    },
    leave(name) {
      names.splice(names.indexOf(name), 1);
      for (const listener of listeners) listener();
    },
    asked: () => asked,
  };
}

test('connections to instances that are gone are over, at the start and when one goes; those to the others stay', async () => {
  const { live, store, connect, insight } = await openWorld();
  await connect('left', subscription('zero'));
  await connect('web', subscription('zero'), subscription('one'));
  await connect('api', subscription('two'));
  const instances = instancesNamed('one', 'two');
  const part = endedConnections({ store, live, instances, log: silent, onError });
  await part.start();
  const openAt = (name: string) =>
    insight(name)?.subscriptions.flatMap(({ id, disconnectTime }) => (disconnectTime === undefined ? [id] : []));
  assert.deepEqual([openAt('left'), openAt('web'), openAt('api')], [[], ['one'], ['two']]);
  instances.leave('two');
  await settled();
  assert.deepEqual([openAt('web'), openAt('api')], [['one'], []]);
  await part.stop();
  instances.leave('one');
  await settled();
  assert.deepEqual(openAt('web'), ['one'], 'who does not lead ends nothing');
});

test('nobody asks who lives while nobody is connected', async () => {
  const { live, store, connect } = await openWorld();
  await connect('web', subscription('one', { disconnectTime: '2026-01-01T00:00:01.000Z' }));
  const instances = instancesNamed('one');
  const part = endedConnections({ store, live, instances, log: silent, onError });
  await part.start();
  assert.equal(instances.asked(), 0);
  await part.stop();
});

test('an insight goes with its Dataplane, also when another instance writes it once more', async () => {
  const { live, store, connect, insight, put, remove } = await openWorld();
  await connect('web', subscription('one'));
  await put({ type: 'DataplaneInsight', mesh: 'default', name: 'left', spec: { subscriptions: [] } });
  const part = orphanedInsights({ store, live, onError });
  await part.start();
  assert.equal(insight('left'), undefined);
  assert.notEqual(insight('web'), undefined);
  await remove('Dataplane', 'default', 'web');
  await settled();
  assert.equal(insight('web'), undefined);
  await put({ type: 'DataplaneInsight', mesh: 'default', name: 'web', spec: { subscriptions: [] } });
  await settled();
  assert.equal(insight('web'), undefined);
  await part.stop();
});

async function openOffline() {
  const world = await openWorld();
  const clock = manualClock(start);
  const excused = new Set<string>();
  const told: unknown[] = [];
  const part = offlineProxies({
    store: world.store,
    clock,
    patience: minute,
    ages: { Dataplane: 72 * hour, ZoneIngress: 0 },
    isExcused: ({ name }) => excused.has(name),
    log: { ...silent, warn: (_, fields) => void told.push(fields) },
    onError,
  });
  const at = async (time: number): Promise<void> => {
    clock.moveTo(start + time);
    await settled();
  };
  const offlineSince = (time: number, more: Partial<ProxySubscription> = {}): ProxySubscription =>
    subscription('one', { disconnectTime: new Date(time).toISOString(), ...more });
  return { ...world, clock, part, at, excused, told, offlineSince };
}

test('a Dataplane whose proxy stays away is deleted at its age, not sooner, and not when the proxy came back', async () => {
  const { connect, isThere, clock, part, offlineSince } = await openOffline();
  await connect('left', offlineSince(start - hour));
  await connect('back', offlineSince(start - hour));
  await connect('online', subscription('one'));
  await part.start();
  clock.moveTo(start + 70 * hour);
  await settled();
  assert.equal(isThere('left'), true);
  await connect('back', offlineSince(start - hour), subscription('two'));
  clock.moveTo(start + 71 * hour);
  await settled();
  assert.deepEqual([isThere('left'), isThere('back'), isThere('online')], [false, true, true]);
  assert.equal(clock.timers(), 0, 'nothing ticks while all are online');
  await part.stop();
});

test('one that was registered by its proxy goes when the proxy has come back to no instance', async () => {
  const { connect, isThere, clock, part, offlineSince } = await openOffline();
  await connect('guest', offlineSince(start, { registered: true }));
  await connect('stored', offlineSince(start));
  await part.start();
  clock.moveTo(start + minute - 1);
  await settled();
  assert.equal(isThere('guest'), true);
  clock.moveTo(start + minute);
  await settled();
  assert.deepEqual([isThere('guest'), isThere('stored')], [false, true]);
  await part.stop();
  assert.equal(clock.timers(), 0);
});

test('while most are missing nobody is deregistered; when most are there again, those that stay away have as long as anybody', async () => {
  const { connect, isThere, clock, part, at, told, offlineSince } = await openOffline();
  const guest = offlineSince(start, { registered: true });
  const online = subscription('one', { registered: true });
  for (const name of ['one', 'two', 'three', 'dead']) await connect(name, guest);
  await connect('stored', subscription('one'));
  await part.start();
  await at(hour);
  assert.deepEqual(['one', 'two', 'three', 'dead'].map(isThere), [true, true, true, true]);
  assert.deepEqual(told, [{ missing: 4, online: 1 }], 'it is told once');
  assert.equal(clock.timers(), 1, 'only their age is waited for');
  await connect('one', guest, online);
  await at(2 * hour);
  assert.equal(isThere('dead'), true, 'three are missing, two are there');
  await connect('two', guest, online);
  await at(2 * hour + minute - 1);
  await connect('three', guest, online);
  assert.equal(isThere('dead'), true);
  await at(2 * hour + minute);
  assert.deepEqual(['one', 'two', 'three', 'dead'].map(isThere), [true, true, true, false]);
  assert.equal(clock.timers(), 0);
  await part.stop();
});

test('also while most are missing: who said goodbye goes at once, and nobody stays for longer than the age', async () => {
  const { connect, isThere, part, at, excused, offlineSince } = await openOffline();
  const guest = offlineSince(start, { registered: true });
  for (const name of ['one', 'two', 'left']) await connect(name, guest);
  excused.add('left');
  await part.start();
  await at(minute);
  assert.deepEqual(['one', 'two', 'left'].map(isThere), [true, true, false]);
  await at(72 * hour - 1);
  assert.deepEqual(['one', 'two'].map(isThere), [true, true]);
  await at(72 * hour);
  assert.deepEqual(['one', 'two'].map(isThere), [false, false]);
  await part.stop();
});

test('those that end in good order do not make an outage: who is killed meanwhile goes', async () => {
  const { connect, isThere, part, at, excused, offlineSince } = await openOffline();
  const guest = offlineSince(start, { registered: true });
  for (const name of ['one', 'two', 'three']) {
    excused.add(name);
    await connect(name, guest);
  }
  for (const name of ['dead', 'dead-too']) await connect(name, guest);
  for (const name of ['web', 'api']) await connect(name, subscription('one', { registered: true }));
  await part.start();
  await at(minute);
  assert.deepEqual(['one', 'dead', 'dead-too', 'web'].map(isThere), [false, false, false, true]);
  await part.stop();
});

test('a fleet is missed as a whole again when the network breaks again; fewer are missing, too, when their resources are deleted', async () => {
  const { connect, isThere, remove, part, at, told, offlineSince } = await openOffline();
  const guest = offlineSince(start, { registered: true });
  const online = subscription('one', { registered: true });
  for (const name of ['one', 'two', 'three']) await connect(name, guest);
  await part.start();
  await at(minute);
  for (const name of ['one', 'two']) await connect(name, guest, online);
  await at(minute + 1);
  for (const name of ['one', 'two']) await connect(name, offlineSince(start + minute + 1, { registered: true }));
  await at(hour);
  assert.deepEqual(['one', 'two', 'three'].map(isThere), [true, true, true]);
  assert.equal(told.length, 2);
  for (const name of ['one', 'two'])
    for (const type of ['Dataplane', 'DataplaneInsight']) await remove(type, 'default', name);
  await at(hour + minute - 1);
  assert.equal(isThere('three'), true);
  await at(hour + minute);
  assert.equal(isThere('three'), false, 'one alone is no outage');
  await part.stop();
});

test('after days without any control plane, proxies have time to come back', async () => {
  const { connect, isThere, clock, part, offlineSince } = await openOffline();
  await connect('web', offlineSince(start - 100 * hour));
  await part.start();
  clock.moveTo(start + minute - 1);
  await settled();
  assert.equal(isThere('web'), true);
  clock.moveTo(start + minute);
  await settled();
  assert.equal(isThere('web'), false);
  await part.stop();
});

test('a type whose age is 0 is kept for ever', async () => {
  const { put, live, clock, part, offlineSince } = await openOffline();
  await put(
    { type: 'ZoneIngress', name: 'in', spec: {} },
    { type: 'ZoneIngressInsight', name: 'in', spec: { subscriptions: [offlineSince(start - hour)] } },
  );
  await part.start();
  assert.equal(clock.timers(), 0);
  assert.notEqual(live.get({ type: 'ZoneIngress', mesh: '', name: 'in' }), undefined);
  await part.stop();
});

test('by the ages of the settings, as the peer has them, proxies of zones go like others', async () => {
  const { dataplaneCleanupAge, zoneResourceCleanupAge } = defaultSettings().runtime.universal;
  assert.deepEqual([dataplaneCleanupAge, zoneResourceCleanupAge], [72 * hour, 72 * hour]);
  const { store, put, live } = await openWorld();
  const clock = manualClock(start);
  const ages = { ZoneIngress: zoneResourceCleanupAge, ZoneEgress: zoneResourceCleanupAge };
  const part = offlineProxies({ store, clock, patience: minute, ages, log: silent, onError });
  const left = subscription('one', { disconnectTime: new Date(start - hour).toISOString() });
  const zoneProxies = ['ZoneIngress', 'ZoneEgress'];
  for (const type of zoneProxies)
    await put(
      { type, name: 'zone', spec: {} },
      { type: `${type}Insight`, name: 'zone', spec: { subscriptions: [left] } },
    );
  const there = () => zoneProxies.filter((type) => live.get({ type, mesh: '', name: 'zone' }) !== undefined);
  await part.start();
  clock.moveTo(start + 71 * hour - 1);
  await settled();
  assert.deepEqual(there(), zoneProxies);
  clock.moveTo(start + 71 * hour);
  await settled();
  assert.deepEqual(there(), []);
  await part.stop();
});

test('what the store refused is tried again', async () => {
  const world = await openWorld();
  const clock = manualClock(start);
  const failures: unknown[] = [];
  const part = offlineProxies({
    store: {
      ...world.store,
      write: (writes) => (failures.length === 0 ? Promise.reject(new Error('away')) : world.store.write(writes)),
    },
    clock,
    patience: minute,
    ages: { Dataplane: hour },
    log: silent,
    onError: (error) => failures.push(error),
  });
  await world.connect('web', subscription('one', { disconnectTime: new Date(start).toISOString() }));
  await part.start();
  clock.moveTo(start + hour);
  await settled();
  assert.deepEqual([world.isThere('web'), failures.length], [true, 1]);
  clock.moveTo(start + hour + minute);
  await settled();
  assert.equal(world.isThere('web'), false);
  await part.stop();
});
