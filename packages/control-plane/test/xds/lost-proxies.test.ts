// Proxies whose connection broke without a goodbye: others stop sending there soon, and go on when they are back, wherever that is.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { coreResourceTypes, createResourceTypes, type DataplaneSpec, MeshError } from '@ursa/resources';
import { openResourceManager } from '../../src/store/resource-manager.ts';
import { type Departure, openLostProxies } from '../../src/xds/lost-proxies.ts';
import { isLost, isWithheld, withhold, withholdLost } from '../../src/xds/taking-traffic.ts';
import { openLiveStore } from '../identity/live-store.ts';
import { until } from './running-server.ts';

const key = { type: 'Dataplane', mesh: 'default', name: 'web' };
const spec: DataplaneSpec = {
  networking: { address: '10.0.0.1', inbound: [{ port: 8080, tags: { 'kuma.io/service': 'web' } }] },
};

async function openWorld() {
  const world = await openLiveStore({ type: 'Mesh', name: 'default', spec: {} }, { ...key, spec });
  const { store, live } = world;
  const manager = openResourceManager({
    store,
    types: createResourceTypes(coreResourceTypes),
    labels: { mode: 'zone', zone: 'default', environment: 'universal', federated: false },
    unsafeDelete: false,
  });
  const connected = { anywhere: false, elsewhere: new Set<string>(), asIsWritten: false };
  const isElsewhere = ({ name }: { readonly name: string }): boolean =>
    connected.anywhere || connected.elsewhere.has(name);
  const fail: { with: Error | undefined; times: number } = { with: undefined, times: 0 };
  const put: typeof manager.put = async (...args) => {
    if (fail.with === undefined) return manager.put(...args);
    fail.times += 1;
    throw fail.with;
  };
  const lost = openLostProxies({
    live,
    manager: { ...manager, put },
    isConnected: (proxy) => connected.asIsWritten || isElsewhere(proxy),
    isElsewhere,
    onError: (_, error) => assert.fail(String(error)),
    patience: 20,
    patienceSentAway: 200,
    secondLook: 20,
  });
  return { lost, live, put: world.put, remove: world.remove, connected, fail, stored: () => live.get(key) };
}

const gone = () => false;
const some = () => 5;
const left = (isBack: () => boolean, connected: () => number, sentAway = false): Departure => ({
  isBack,
  connected,
  sentAway,
});

test('a proxy that does not come back takes no more traffic', async () => {
  const { lost, stored } = await openWorld();
  lost.gone(key, left(gone, some));
  await until(() => stored()?.version === 2);
  const resource = stored();
  assert.ok(resource !== undefined && isLost(resource) && isWithheld(resource));
  assert.equal((resource.spec as DataplaneSpec).networking?.inbound?.[0]?.state, 'NotReady');
  lost.stop();
});

test('one that is back, here or at another instance, goes on', async () => {
  const { lost, stored, connected } = await openWorld();
  lost.gone(
    key,
    left(() => true, some),
  );
  await sleep(60);
  lost.gone(key, left(gone, some));
  lost.back(key);
  await sleep(60);
  connected.anywhere = true;
  lost.gone(key, left(gone, some));
  await sleep(60);
  assert.equal(stored()?.version, 1);
  lost.stop();
});

test('one that was sent to another instance may take longer to get there, but not for ever', async () => {
  const { lost, stored, connected } = await openWorld();
  lost.gone(key, left(gone, some, true));
  await sleep(60);
  connected.anywhere = true;
  await sleep(200);
  assert.equal(stored()?.version, 1, 'it has come late');
  connected.anywhere = false;
  lost.gone(key, left(gone, some, true));
  const again = performance.now();
  await until(() => stored()?.version === 2);
  assert.ok(performance.now() - again >= 190);
  lost.stop();
});

test('when most proxies are gone, nobody is withheld; those that were waited for long enough do not count', async () => {
  const { lost, stored, put } = await openWorld();
  const others = ['one', 'two'].map((name) => ({ ...key, name }));
  for (const other of others) await put({ ...other, spec });
  for (const other of others)
    lost.gone(
      other,
      left(gone, () => 2),
    );
  lost.gone(
    key,
    left(gone, () => 2),
  );
  await sleep(60);
  assert.equal(stored()?.version, 1);
  for (const other of others) lost.left(other);
  lost.gone(
    key,
    left(gone, () => 2),
  );
  await until(() => stored()?.version === 2);
  lost.stop();
});

test('one that stays away when most are here again, or were waited for long enough, takes no more traffic', async () => {
  for (const end of ['back', 'left'] as const) {
    const { lost, stored, put, live } = await openWorld();
    const others = ['one', 'two'].map((name) => ({ ...key, name }));
    for (const other of others) await put({ ...other, spec });
    const here = new Set<string>();
    // None is counted as connected before it has registered.
    const connected = (): number => here.size;
    for (const each of [key, ...others])
      lost.gone(
        each,
        left(() => here.has(each.name), connected),
      );
    await sleep(60);
    assert.equal(stored()?.version, 1, 'most are missing');
    for (const other of others) {
      lost[end](other);
      here.add(other.name);
    }
    await until(() => stored()?.version === 2);
    for (const other of others) assert.equal(live.get(other)?.version, 1);
    lost.stop();
  }
});

test('one that was spared and comes back goes on', async () => {
  const { lost, stored, put } = await openWorld();
  const other = { ...key, name: 'other' };
  await put({ ...other, spec });
  for (const each of [key, other])
    lost.gone(
      each,
      left(gone, () => 1),
    );
  await sleep(60);
  lost.back(other);
  lost.back(key);
  await sleep(60);
  assert.equal(stored()?.version, 1);
  lost.stop();
});

test('one whose end the store has not taken yet is missed, and left to whoever sees it there', async () => {
  const { lost, stored, connected } = await openWorld();
  connected.asIsWritten = true;
  lost.gone(key, left(gone, some));
  await sleep(60);
  assert.equal(stored()?.version, 1);
  assert.equal(lost.attendance().missing, 1);
  lost.stop();
});

test('one that had said goodbye stays as it is', async () => {
  const { lost, put, stored } = await openWorld();
  const { labels, spec: drained } = withhold({ type: 'Dataplane', labels: {}, spec });
  await put({ ...key, labels, spec: drained });
  lost.gone(key, left(gone, some));
  await sleep(60);
  const resource = stored();
  assert.ok(resource !== undefined && isWithheld(resource) && !isLost(resource));
  assert.equal(lost.attendance().missing, 0, 'nobody misses it');
  lost.stop();
});

test('who was withheld before it was known that most are missing gets its traffic back, and loses it when most are there again', async () => {
  const { lost, stored, put } = await openWorld();
  const others = ['one', 'two'].map((name) => ({ ...key, name }));
  for (const other of others) await put({ ...other, spec });
  let connected = 2;
  const isKeyWithheld = (): boolean => {
    const resource = stored();
    return resource !== undefined && isWithheld(resource);
  };
  const departure = left(gone, () => connected);
  lost.gone(key, departure);
  await until(isKeyWithheld);
  for (const other of others) {
    connected -= 1;
    lost.gone(other, departure);
  }
  await until(() => !isKeyWithheld());
  await sleep(60);
  assert.equal(isKeyWithheld(), false);
  for (const other of others) {
    lost.back(other);
    connected += 1;
  }
  await until(isKeyWithheld);
  lost.stop();
});

test('while most are missing, it is also told of those that come back elsewhere or are deregistered: they are missed no more', async () => {
  const { lost, stored, put, remove, connected } = await openWorld();
  const others = ['elsewhere', 'deleted', 'still'].map((name) => ({ ...key, name }));
  for (const other of others) await put({ ...other, spec });
  for (const each of [key, ...others])
    lost.gone(
      each,
      left(gone, () => 1),
    );
  await sleep(60);
  assert.deepEqual(lost.attendance(), { missing: 4, there: 1 });
  connected.elsewhere.add('elsewhere');
  await put({ type: 'DataplaneInsight', mesh: 'default', name: 'elsewhere', spec: { subscriptions: [] } });
  assert.equal(lost.attendance().missing, 3);
  assert.equal(stored()?.version, 1);
  for (const name of ['deleted', 'still']) await remove('Dataplane', 'default', name);
  await until(() => stored()?.version === 2);
  assert.equal(lost.attendance().missing, 1);
  lost.stop();
});

test('one that is here is released again when others, from whom this instance was cut off, have written that it is lost', async () => {
  const { lost, put, stored, connected } = await openWorld();
  lost.back(key);
  const write = async (): Promise<void> => {
    const { labels, spec: withheld } = withholdLost({ type: 'Dataplane', labels: {}, spec });
    await put({ ...key, labels, spec: withheld });
  };
  const isReleased = (): boolean => {
    const resource = stored();
    return resource !== undefined && !isWithheld(resource);
  };
  await sleep(60);
  await write();
  await sleep(60);
  assert.equal(isReleased(), false, 'the others do not know yet that it is here');
  connected.anywhere = true;
  await until(isReleased);
  lost.gone(
    key,
    left(() => true, some),
  );
  await write();
  await until(isReleased);
  lost.gone(key, left(gone, some));
  await write();
  await sleep(60);
  assert.equal(isReleased(), false, 'it is not here any more');
  lost.stop();
});

test('what the store does not take is tried again', async () => {
  const { lost, put, stored, connected, fail } = await openWorld();
  connected.anywhere = true;
  fail.with = new MeshError('unavailable', 'the store is away');
  lost.back(key);
  const { labels, spec: withheld } = withholdLost({ type: 'Dataplane', labels: {}, spec });
  await put({ ...key, labels, spec: withheld });
  await until(() => fail.times > 2);
  fail.with = undefined;
  await until(() => stored()?.labels['kuma.io/withheld-because'] === undefined);
  lost.stop();
});
