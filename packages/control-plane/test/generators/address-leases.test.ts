// Virtual addresses stay with their services: through restarts, collisions and ten thousand comings and goings.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createGraph } from '@ursa/collections';
import type { ServiceVip } from '@ursa/engine';
import { type AddressRange, isInRange, parseAddressRange, type Resource } from '@ursa/resources';
import fastCheck from 'fast-check';
import { addressKeeper } from '../../src/generators/address-keeper.ts';
import {
  type AddressLeases,
  allocateLeased,
  formatLeases,
  keptFor,
  leasesKey,
  readLeases,
  tagPool,
  updateLeases,
} from '../../src/generators/address-leases.ts';
import { serviceVips } from '../../src/generators/service-vips.ts';
import type { LiveResources } from '../../src/store/live-resources.ts';
import type { Store } from '../../src/store/store.ts';
import { type Draft, manualClock, openLiveStore } from '../identity/live-store.ts';
import { until } from '../xds/running-server.ts';

const storedAs = (spec: object): Resource => ({
  ...{ type: 'Config', mesh: '', name: '', labels: {}, creationTime: '', modificationTime: '', version: 1 },
  spec,
});
const asStored = (leases: AddressLeases): AddressLeases => readLeases(storedAs(formatLeases(leases)));

test('of ten thousand comings and goings no address is shared, moves, or is given to another within a day', () => {
  // So small a range that most names collide, and that it is full at times.
  const range = parseAddressRange('241.0.0.0/26');
  const step = fastCheck.record({
    name: fastCheck.integer({ min: 0, max: 120 }).map((number) => `service-${number}`),
    comes: fastCheck.boolean(),
    hours: fastCheck.integer({ min: 0, max: 3 }),
    restarts: fastCheck.boolean(),
  });
  fastCheck.assert(
    fastCheck.property(fastCheck.array(step, { minLength: 500, maxLength: 500 }), (steps) => {
      let leases: AddressLeases = new Map();
      let now = 0;
      const living = new Map<string, string>();
      const left = new Map<string, { readonly name: string; readonly at: number }>();
      for (const { name, comes, hours, restarts } of steps) {
        now += hours * 3600 * 1000;
        if (restarts) leases = asStored(leases);
        const before = new Map(living);
        if (comes && !living.has(name)) {
          const [given] = allocateLeased(range, [name], living.values(), leases.get('MeshService') ?? new Map());
          if (given !== undefined) {
            const [, address] = given;
            assert.ok(isInRange(range, address));
            const last = left.get(address);
            assert.ok(
              last === undefined || last.name === name || now - last.at >= keptFor,
              `${address} of ${last?.name}`,
            );
            living.set(name, address);
          }
        } else if (!comes) {
          const address = living.get(name);
          if (address !== undefined) left.set(address, { name, at: now });
          living.delete(name);
        }
        leases = updateLeases(leases, new Map([['MeshService', new Map(living)]]), now);
        assert.equal(new Set(living.values()).size, living.size);
        for (const [known, address] of living) assert.equal(address, before.get(known) ?? address);
      }
    }),
    { numRuns: 20, seed: 1 },
  );
});

test('a service that comes back within a day has its address again, whoever came meanwhile', () => {
  const range: AddressRange = parseAddressRange('241.0.0.0/29');
  const pool = (names: ReadonlyMap<string, string>) => new Map([['MeshService', names]]);
  const first = allocateLeased(range, ['a'], [], new Map());
  let leases = updateLeases(new Map(), pool(first), 0);
  leases = updateLeases(leases, pool(new Map()), 1000);
  const others = ['b', 'c', 'd', 'e', 'f', 'g'];
  const given = allocateLeased(range, others, [], leases.get('MeshService') ?? new Map());
  assert.equal(given.size, 5, 'one of six addresses is kept for who had it');
  assert.ok(![...given.values()].includes(first.get('a') ?? ''));
  const back = allocateLeased(range, ['a'], given.values(), leases.get('MeshService') ?? new Map());
  assert.equal(back.get('a'), first.get('a'));
  assert.equal(updateLeases(leases, pool(new Map()), 1000 + keptFor).get('MeshService')?.size, 0);
});

test('what is stored and makes no sense is no lease', () => {
  for (const config of [undefined, 'nonsense', '3', '{"MeshService":{"a":"241.0.0.1","b":[5]}}']) {
    const leases = readLeases(storedAs(config === undefined ? {} : { config }));
    assert.equal(
      [...leases.values()].reduce((sum, names) => sum + names.size, 0),
      0,
    );
  }
});

const mesh: Draft = { type: 'Mesh', name: 'm', spec: { meshServices: { mode: 'Everywhere' } } };
const dataplane = (service: string): Draft => ({
  type: 'Dataplane',
  mesh: 'm',
  name: service,
  spec: { networking: { inbound: [{ port: 80, tags: { 'kuma.io/service': service } }] } },
});
const start = Date.parse('2026-11-28T12:00:00Z');

/** A control plane's addresses over a store; of the small range most names collide. */
async function openInstance({ live, store }: { live: LiveResources; store: Store }, isLeader = true) {
  const graph = createGraph();
  const vips = graph.source<ServiceVip>('vips');
  const clock = manualClock(start);
  const given = serviceVips({ live, graph, vips, range: parseAddressRange('240.0.0.0/28') });
  const keeper = addressKeeper({ live, graph, vips, store, clock, onFailure: (error) => assert.fail(String(error)) });
  await given.start();
  if (isLeader) await keeper.start();
  return {
    addresses: () => new Map(vips.keys().map((key) => [key, vips.get(key)?.address])),
    async pass(milliseconds: number) {
      clock.moveTo(clock.now() + milliseconds);
      await sleep(10);
    },
    async stop() {
      await keeper.stop();
      await given.stop();
    },
  };
}

test('addresses that a collision has moved are the same after a restart, though the one they collided with is gone', async () => {
  const world = await openLiveStore(mesh);
  const first = await openInstance(world);
  const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
  for (const name of names) {
    await world.put(dataplane(name));
    await first.pass(1000);
  }
  for (const name of ['a', 'c', 'e']) await world.remove('Dataplane', 'm', name);
  await first.pass(1000);
  const before = first.addresses();
  assert.equal(before.size, 5);
  await first.stop();
  const second = await openInstance(world);
  assert.deepEqual(second.addresses(), before);
  const held = new Set(
    [...(readLeases(world.live.get(leasesKey)).get(tagPool) ?? [])].map(([, { address }]) => address),
  );
  assert.equal(held.size, 8);
  await world.put(dataplane('new'));
  await second.pass(1000);
  assert.ok(!held.has(second.addresses().get('m/new') ?? ''));
  await second.stop();
});

test('instances agree: what the leader has written down counts', async () => {
  const world = await openLiveStore(mesh);
  const [leader, other] = [await openInstance(world), await openInstance(world, false)];
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f', 'g']) await world.put(dataplane(name));
  await leader.pass(1000);
  assert.deepEqual(other.addresses(), leader.addresses());
  await until(() => world.live.get(leasesKey) !== undefined);
  const written = world.live.get(leasesKey)?.version;
  await leader.pass(3_600_000);
  assert.equal(world.live.get(leasesKey)?.version, written, 'nothing is written while nothing changes');
  await other.stop();
  await leader.stop();
});

test('a service that finds the range full gets an address when the first lease of another is over', async () => {
  const world = await openLiveStore(mesh);
  const run = await openInstance(world);
  const names = Array.from({ length: 14 }, (_, index) => `s${index}`);
  await world.put(...names.map(dataplane));
  await run.pass(1000);
  assert.equal(run.addresses().size, 14);
  await world.remove('Dataplane', 'm', 's0');
  await run.pass(1000);
  await world.put(dataplane('late'));
  await run.pass(1000);
  assert.equal(run.addresses().get('m/late'), undefined);
  await run.pass(keptFor + 2000);
  assert.ok(run.addresses().get('m/late') !== undefined);
  await run.stop();
});
