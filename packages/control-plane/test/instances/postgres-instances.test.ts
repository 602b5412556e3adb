// The lease and the catalog in a real PostgreSQL, as several instances use them at once.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { systemClock } from '../../src/identity/clock.ts';
import { openCatalog } from '../../src/instances/catalog.ts';
import { type Election, openElection } from '../../src/instances/election.ts';
import type { Instance } from '../../src/instances/instances.ts';
import { postgresCatalog } from '../../src/instances/postgres-catalog.ts';
import { onLeaseReleased, postgresLease } from '../../src/instances/postgres-lease.ts';
import { storedClaim, storeOfLeader } from '../../src/store/leadership.ts';
import type { PostgresStore } from '../../src/store/postgres/postgres-store.ts';
import { opened, openedStore } from '../opened.ts';
import { openPostgresServer, postgresMissing } from '../postgres-server.ts';
import { until } from '../xds/running-server.ts';
import { silent } from './led.ts';

// Longer than any test waits: a lease that is free was given back, or ended by the test.
const leaseDuration = 600_000;

if (postgresMissing === undefined) {
  const server = await openPostgresServer();
  after(() => server.remove());

  async function openStores(count: number) {
    const database = await server.createStore();
    const stores: PostgresStore[] = [];
    for (let index = 0; index < count; index += 1)
      stores.push(await openedStore(server.settings(database), { log: silent }));
    return { database, stores, close: () => Promise.all(stores.map((store) => store.close())) };
  }
  const leaseOf = (store: PostgresStore, holder: string) =>
    postgresLease({ connections: store.connections, store, holder, duration: leaseDuration });

  test('of many that take the lease at once one gets it; it keeps its term, and a new holder has the next one', async () => {
    const { stores, database, close } = await openStores(2);
    const leases = Array.from({ length: 20 }, (_, index) =>
      leaseOf(stores[index % 2] as PostgresStore, `holder-${index}`),
    );
    const first = await Promise.all(leases.map((lease) => lease.take()));
    const winner = first.findIndex(({ held }) => held);
    assert.equal(first.filter(({ held }) => held).length, 1);
    assert.deepEqual(await leases[winner]?.take(), { held: true, term: 1 });
    await server.query(database, 'update ursa.lease set ends = clock_timestamp()');
    const others = leases.filter((_, index) => index !== winner);
    const second = await Promise.all(others.map((lease) => lease.take()));
    assert.deepEqual(
      second.filter(({ held }) => held),
      [{ held: true, term: 2 }],
    );
    const lost = await leases[winner]?.take();
    assert.ok(lost?.held === false && lost.left > 0 && lost.left <= leaseDuration, JSON.stringify(lost));
    await close();
  });

  test('a leader that stops is followed at once; what the former one writes late is refused by what stands in the store', async () => {
    const { stores, close } = await openStores(2);
    const [one, other] = stores as [PostgresStore, PostgresStore];
    const open = (store: PostgresStore, holder: string): Election =>
      opened(openElection({ lease: leaseOf(store, holder), clock: systemClock, log: silent }));
    const [first, second] = [open(one, 'one'), open(other, 'other')];
    await first.start();
    await second.start();
    const released = onLeaseReleased(other, second.wake);
    assert.deepEqual([first.leads(), second.leads()], [true, false]);
    assert.deepEqual(storedClaim({ get: (key) => contentOf(one, key.name) }), { holder: 'one', term: 1 });
    const claim = first.claim();
    // What a frozen leader has in its hands when it wakes: it believes, because it has not looked at the time yet.
    const late = storeOfLeader(one, { ...first, leads: () => true, claim: () => claim });
    await late.write([put('in-time')]);
    await first.stop();
    await until(() => second.leads());
    await assert.rejects(late.write([put('too-late')]), { code: 'unavailable' });
    await storeOfLeader(other, second).write([put('by-the-new-one')]);
    released.stop();
    await second.stop();
    await close();
  });

  test('instances know of each other, notice who is silent, and say so when they were taken for gone', async () => {
    const { stores, database, close } = await openStores(2);
    const returned: string[] = [];
    const open = (store: PostgresStore, id: string) =>
      opened(
        openCatalog({
          table: postgresCatalog(store.connections),
          describe: (): Instance => ({
            ...{ id, hostname: 'host', address: '127.0.0.1', port: 1, version: '1' },
            ...{ startTime: '2026-01-01T00:00:00Z', proxies: 3 },
          }),
          leads: () => false,
          id,
          clock: systemClock,
          interval: 200,
          onReturn: () => returned.push(id),
          log: silent,
        }),
      );
    const [one, two] = [open(stores[0] as PostgresStore, 'one'), open(stores[1] as PostgresStore, 'two')];
    await one.start();
    await two.start();
    const living = () =>
      one
        .list()
        .filter(one.isLiving)
        .map(({ id }) => id);
    await until(() => living().length === 2);
    let gone = 0;
    one.onGone(() => {
      gone += 1;
    });
    // A heartbeat that is being written at that very moment undoes it.
    await until(async () => {
      if (returned.includes('two')) return true;
      await server.query(database, "update ursa.instances set seen = seen - interval '1 minute' where id = 'two'");
      return false;
    });
    await until(() => living().length === 2);
    const before = gone;
    await two.stop();
    await until(() => gone > before);
    assert.deepEqual(living(), ['one']);
    assert.deepEqual([...(await one.living())], ['one']);
    const revision = stores[0]?.revision();
    const beat = async () => {
      const [row] = await server.query(database, "select seen::text as seen from ursa.instances where id = 'one'");
      return row?.seen;
    };
    for (let beats = 0; beats < 2; beats += 1) {
      const seen = await beat();
      await until(async () => (await beat()) !== seen);
    }
    assert.equal(stores[0]?.revision(), revision, 'heartbeats wake nobody');
    await one.stop();
    await close();
  });
} else {
  test('lease and catalog in PostgreSQL', { skip: postgresMissing }, () => undefined);
}

function put(name: string) {
  return { kind: 'put', resource: { type: 'Mesh', mesh: '', name, labels: {}, spec: {} } } as const;
}

function contentOf(store: PostgresStore, name: string) {
  let found: ReturnType<Parameters<typeof storedClaim>[0]['get']>;
  store
    .changes((changes) => {
      for (const { key, after: resource } of changes) if (key.name === name) found = resource;
    })
    .stop();
  return found;
}
