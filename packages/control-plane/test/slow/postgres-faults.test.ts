// The PostgreSQL store on a server that crashes, freezes, fails over, or is cut off: what was acknowledged stays, nothing is torn, no call
// hangs, and every store tells the same story afterwards. Bounds of time are those promised, with room for a busy machine.
import assert from 'node:assert/strict';
import { after, afterEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { MeshError, type Resource } from '@ursa/resources';
import { openLog } from '../../src/log.ts';
import type { PostgresStore } from '../../src/store/postgres/postgres-store.ts';
import type { Store, StoreChange } from '../../src/store/store.ts';
import { openedStore } from '../opened.ts';
import { openPostgresServer, type PostgresServer, postgresMissing } from '../postgres-server.ts';
import { follow, put } from '../store-contract.ts';
import { openWire } from './tcp-cut.ts';

const log = openLog('off', { write: () => undefined }).component('store');

/** What a test leaves open, also when it fails: a store would go on looking for its database for ever. */
const leftOpen: { close(): unknown }[] = [];
afterEach(async () => {
  await Promise.all(leftOpen.splice(0).map((one) => one.close()));
});

/** No call takes longer than two seconds; the rest is room for a machine that has much else to do. */
const longestCall = 6_000;

async function open(server: PostgresServer, database: string, env: Readonly<Record<string, string>> = {}) {
  const store = await openedStore(server.settings(database, env), { log });
  leftOpen.push(store);
  return store;
}

async function until(what: string, condition: () => boolean, milliseconds = 20_000): Promise<void> {
  const deadline = performance.now() + milliseconds;
  while (!condition()) {
    assert.ok(performance.now() < deadline, `${what}: not within ${milliseconds} ms`);
    await sleep(10);
  }
}

const reach = (store: Store, revision: number) => until(`revision ${revision}`, () => store.revision() >= revision);

/** Tries until a write is taken; returns after how many milliseconds. */
async function firstGoodWrite(store: Store): Promise<number> {
  const started = performance.now();
  for (;;) {
    const done = await store.write([put('first-good', started)]).then(
      () => true,
      () => false,
    );
    if (done) return performance.now() - started;
    assert.ok(performance.now() - started < 30_000, 'writes do not work again');
    await sleep(20);
  }
}

function told(changes: readonly StoreChange[]): unknown {
  return changes.map(({ key, after: result, revision }) => [revision, key.name, result?.spec]);
}

const isUnavailable = (error: unknown) => error instanceof MeshError && error.code === 'unavailable';

function numberIn(resources: ReadonlyMap<string, Resource>, name: string): number {
  const spec = resources.get(`MeshTimeout/default/${name}`)?.spec as { readonly content?: number } | undefined;
  return spec?.content ?? 0;
}

/** Writers that go on through every fault. Each write is a pair that stands or falls together. */
function writeOn(stores: readonly Store[]) {
  const acknowledged = new Map<string, number>();
  const tried = new Map<string, number>();
  let slowest = 0;
  let stopped = false;
  const writers = stores.flatMap((store, which) =>
    [0, 1, 2].map(async (slot) => {
      const name = `${which}-${slot}`;
      for (let number = 1; !stopped; number += 1) {
        tried.set(name, number);
        const started = performance.now();
        const write = store.write([put(`left-${name}`, number), put(`right-${name}`, number)]);
        const answer = await write.then(
          () => undefined,
          (error: unknown) => error,
        );
        slowest = Math.max(slowest, performance.now() - started);
        if (answer === undefined) acknowledged.set(name, number);
        else {
          assert.ok(isUnavailable(answer), String(answer));
          await sleep(10);
        }
      }
    }),
  );
  return {
    slowest: () => slowest,
    count: () => [...acknowledged.values()].reduce((sum, number) => sum + number, 0),
    async stop(): Promise<void> {
      stopped = true;
      await Promise.all(writers);
    },
    /** Everything acknowledged is there, nothing that was never tried, and no pair is torn. */
    check(resources: ReadonlyMap<string, Resource>): void {
      for (const [name, number] of tried) {
        const left = numberIn(resources, `left-${name}`);
        assert.equal(left, numberIn(resources, `right-${name}`), `the pair ${name} is torn`);
        assert.ok(
          left >= (acknowledged.get(name) ?? 0),
          `the acknowledged write ${acknowledged.get(name)} of ${name} is lost`,
        );
        assert.ok(left <= number);
      }
    },
  };
}

/** Both stores have the same content and told the same changes, each once and in order; and so does the database. */
async function agree(
  feeds: readonly ReturnType<typeof follow>[],
  stores: readonly Store[],
  fresh: () => Promise<PostgresStore>,
): Promise<ReadonlyMap<string, Resource>> {
  const truth = await fresh();
  await Promise.all(stores.map((store) => reach(store, truth.revision())));
  const { resources } = follow(truth);
  const sorted = (map: ReadonlyMap<string, Resource>) =>
    [...map].toSorted(([left], [right]) => (left < right ? -1 : 1));
  for (const feed of feeds) {
    assert.deepEqual(sorted(feed.resources), sorted(resources));
    assert.deepEqual(
      feed.changes.map(({ revision }) => revision),
      feed.changes.map((_, position) => position + 1),
    );
    assert.deepEqual(told(feed.changes), told(feeds[0]?.changes ?? []));
  }
  return resources;
}

if (postgresMissing === undefined) {
  const server = await openPostgresServer();
  after(() => server.remove());

  test('killed with -9 while two stores write: nothing acknowledged is lost, nothing is torn, both tell the same', async () => {
    const database = await server.createStore();
    const stores = await Promise.all([open(server, database), open(server, database)]);
    const feeds = stores.map(follow);
    const writers = writeOn(stores);
    for (let kill = 0; kill < 8; kill += 1) {
      const before = writers.count();
      await until('writes before the kill', () => writers.count() > before + 20);
      await sleep(Math.random() * 100);
      await (kill % 2 === 0 ? server.kill() : server.stop('immediate'));
      await server.start();
    }
    const back = await firstGoodWrite(stores[0]);
    await writers.stop();
    writers.check(await agree(feeds, stores, () => open(server, database)));
    assert.ok(writers.slowest() < longestCall, `a write took ${writers.slowest()} ms`);
    assert.ok(back < 10_000, `the first good write came after ${back} ms`);
  });

  test('a frozen server: calls end in time, the state is told, and everything goes on when it thaws', async () => {
    const database = await server.createStore();
    const stores = await Promise.all([open(server, database), open(server, database)]);
    const feeds = stores.map(follow);
    const writers = writeOn(stores);
    await until('writes', () => writers.count() > 20);
    const frozenAt = new Date();
    server.freeze();
    for (const store of stores) {
      await until('the store is degraded', () => !store.health().ok);
      const health = store.health();
      assert.ok(!health.ok && health.stale && health.reason.includes('no answer'), JSON.stringify(health));
      assert.ok(
        new Date(health.since).getTime() <= frozenAt.getTime() + 500,
        `${health.since} is after ${frozenAt.toISOString()}`,
      );
    }
    await sleep(3_000);
    const started = performance.now();
    await assert.rejects(stores[0].write([put('x', 1)]), isUnavailable);
    assert.ok(performance.now() - started < 1_500, 'a write to a database known to be away is refused at once');
    // What only asks is answered from memory.
    assert.equal((await stores[0].write(() => [])).revision, stores[0].revision());
    server.thaw();
    const back = await firstGoodWrite(stores[0]);
    await until('the other is healthy', () => stores[1].health().ok);
    await writers.stop();
    writers.check(await agree(feeds, stores, () => open(server, database)));
    assert.ok(writers.slowest() < longestCall, `a write took ${writers.slowest()} ms`);
    assert.ok(back < 10_000, `the first good write came after ${back} ms`);
  });

  test('a connection that is cut without a sound: what others wrote is seen soon, nothing is applied twice', async () => {
    const database = await server.createStore();
    const wire = await openWire(server.port);
    leftOpen.push(wire);
    const [behind, other] = await Promise.all([
      open(server, database, { PORT: String(wire.port), CONNECTION_TIMEOUT: '1' }),
      open(server, database),
    ]);
    const feeds = [behind, other].map(follow);
    const writers = writeOn([behind, other]);
    await until('writes', () => writers.count() > 20);
    wire.cut();
    await until('the cut is noticed', () => !behind.health().ok);
    wire.mend();
    const { revision } = await other.write([put('news', 1)]);
    const started = performance.now();
    await reach(behind, revision);
    assert.ok(performance.now() - started < 10_000);
    await writers.stop();
    writers.check(await agree(feeds, [behind, other], () => open(server, database)));
    assert.ok(writers.slowest() < longestCall, `a write took ${writers.slowest()} ms`);
  });

  for (const [when, cut] of [
    ['after', 'its answer is lost'],
    ['before', 'it does not arrive'],
  ] as const) {
    test(`the connection is cut with a commit on its way, and ${cut}: it is stored once, and the writer is told so`, async () => {
      const database = await server.createStore();
      const wire = await openWire(server.port);
      leftOpen.push(wire);
      const store = await open(server, database, { PORT: String(wire.port) });
      const other = await open(server, database);
      const feed = follow(other);
      await store.write([put('a', 1)]);
      wire.cutAt('ursa.commit', when);
      const result = await store.write([put('a', 2), put('b', 1)]);
      assert.equal(wire.cuts(), 1, 'no commit was cut off');
      assert.deepEqual(
        [result.revision, ...result.resources.map((resource) => `${resource?.name} ${resource?.version}`)],
        [3, 'a 2', 'b 1'],
      );
      await reach(other, 3);
      assert.deepEqual(told(feed.changes), [
        [1, 'a', { content: 1 }],
        [2, 'a', { content: 2 }],
        [3, 'b', { content: 1 }],
      ]);
      const rows = await server.query(database, 'select count(distinct commit_id)::int as commits from ursa.changes');
      assert.equal(rows[0]?.commits, 2);
    });
  }

  test('a lost notification is made up for by the heartbeat', async () => {
    const database = await server.createStore();
    await server.query(database, 'alter function ursa.commit(bigint, uuid, json) rename to commit_and_tell');
    await server.query(
      database,
      `create function ursa.commit(bigint, uuid, json) returns bigint language plpgsql as $$
       begin return ursa.commit_and_tell($1, $2, $3); end $$;
       create schema quiet; create function quiet.pg_notify(text, text) returns void language sql as '';
       alter function ursa.commit_and_tell(bigint, uuid, json) set search_path = quiet, pg_catalog`,
    );
    // Functions of pg_catalog come first unless it is named later: so this server's commits notify nobody.
    const [one, other] = await Promise.all([open(server, database), open(server, database)]);
    const { revision } = await one.write([put('a', 1)]);
    assert.equal(other.revision(), 0);
    const started = performance.now();
    await reach(other, revision);
    assert.ok(performance.now() - started < 5_000);
  });

  test('an idle store asks nothing but the heartbeat', async () => {
    const database = await server.createStore();
    const wire = await openWire(server.port);
    leftOpen.push(wire);
    const store = await open(server, database, { PORT: String(wire.port) });
    await store.write([put('a', 1)]);
    await sleep(500);
    const before = wire.sent();
    await sleep(6_500);
    const beats = (wire.sent() - before) / 200;
    assert.ok(beats > 0 && beats < 5, `${wire.sent() - before} bytes were sent in 6.5 s`);
  });

  test('a log that was trimmed: everything is read again, and only what differs is told', async () => {
    const database = await server.createStore();
    const wire = await openWire(server.port);
    leftOpen.push(wire);
    const [behind, other] = await Promise.all([
      open(server, database, { PORT: String(wire.port), CONNECTION_TIMEOUT: '1' }),
      open(server, database),
    ]);
    await other.write([put('stays', 1), put('goes', 1), put('changes', 1)]);
    await reach(behind, 3);
    const { changes, resources } = follow(behind);
    const heard = changes.length;
    wire.cut();
    await until('the cut is noticed', () => !behind.health().ok);
    await other.write([
      { kind: 'delete', key: { type: 'MeshTimeout', mesh: 'default', name: 'goes' } },
      put('changes', 2),
    ]);
    for (let batch = 0; batch < 24; batch += 1) {
      await other.write(Array.from({ length: 500 }, (_, number) => put('busy', batch * 500 + number)));
    }
    const rows = await server.query(database, 'select count(*)::int as count from ursa.changes');
    assert.ok(Number(rows[0]?.count) <= 11_000, `the log has ${rows[0]?.count} rows`);
    wire.mend();
    await reach(behind, other.revision());
    const news = changes.slice(heard);
    assert.deepEqual(
      news.map(({ key, before, after: result }) => [key.name, before?.version, result?.version]).toSorted(),
      [
        ['busy', undefined, 12_000],
        ['changes', 1, 2],
        ['goes', 1, undefined],
      ],
    );
    assert.deepEqual(
      [...resources.keys()].toSorted(),
      ['busy', 'changes', 'stays'].map((name) => `MeshTimeout/default/${name}`),
    );
  });

  test('a database that has become empty deletes nothing: the store is degraded and says why', async () => {
    const database = await server.createStore();
    const store = await open(server, database);
    await store.write([put('a', 1), put('b', 1)]);
    const { resources } = follow(store);
    await server.query(
      database,
      'truncate ursa.resources, ursa.changes; update ursa.head set revision = 0, commit_id = null',
    );
    await until('the store is degraded', () => !store.health().ok);
    const health = store.health();
    assert.ok(!health.ok && health.reason.includes('the database is empty'), JSON.stringify(health));
    assert.equal(resources.size, 2);
  });

  test('a database with another past is read again', async () => {
    const database = await server.createStore();
    const store = await open(server, database);
    await store.write([put('a', 1)]);
    await store.write([put('a', 2), put('b', 1)]);
    const { resources } = follow(store);
    // As if the last commit had never been, and another one had come in its place.
    await server.query(
      database,
      `delete from ursa.resources where name = 'b'; update ursa.resources set spec = '{"content":"other"}';
       update ursa.head set commit_id = gen_random_uuid(); delete from ursa.changes where revision = 3;
       insert into ursa.changes(revision, commit_id, type, mesh, name) select 3, commit_id, 'MeshTimeout', 'default', 'b' from ursa.head`,
    );
    await until('the other past is read', () => resources.size === 1);
    assert.deepEqual(resources.get('MeshTimeout/default/a')?.spec, { content: 'other' });
    assert.ok((await store.write([put('c', 1)])).revision === 4);
  });

  test('failover to a synchronous standby: nothing acknowledged is lost, and nothing is written to the old primary', async () => {
    const primary = await openPostgresServer();
    leftOpen.push({ close: () => primary.remove() });
    const database = await primary.createStore();
    const standby = await primary.openStandby();
    leftOpen.push({ close: () => standby.remove() });
    await primary.query('postgres', "alter system set synchronous_standby_names = 'standby'");
    await primary.query('postgres', 'select pg_reload_conf()');
    for (let tries = 0; ; tries += 1) {
      const [row] = await primary.query('postgres', 'select sync_state from pg_stat_replication');
      if (row?.sync_state === 'sync') break;
      assert.ok(tries < 200, 'the standby does not become synchronous');
      await sleep(50);
    }
    const hosts = { HOST: `127.0.0.1:${primary.port},127.0.0.1:${standby.port}` };
    const stores = await Promise.all([open(primary, database, hosts), open(primary, database, hosts)]);
    const feeds = stores.map(follow);
    const writers = writeOn(stores);
    await until('writes', () => writers.count() > 30);
    await primary.kill();
    await standby.promote();
    const back = await firstGoodWrite(stores[0]);
    // The old primary comes back, believing that it is one.
    await primary.start();
    const since = writers.count();
    await until('writes to the new primary', () => writers.count() > since + 30);
    await writers.stop();
    writers.check(await agree(feeds, stores, () => open(standby, database)));
    const [old] = await primary.query(database, 'select revision from ursa.head');
    assert.ok(Number(old?.revision) < stores[0].revision());
    assert.ok(back < 10_000, `the first good write came after ${back} ms`);
  });

  test('a primary that becomes read-only is left', async () => {
    const database = await server.createStore();
    const store = await open(server, database);
    await store.write([put('a', 1)]);
    await server.query('postgres', `alter database ${database} set default_transaction_read_only = on`);
    await server.query(
      'postgres',
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${database}'`,
    );
    await until('the store is degraded', () => !store.health().ok);
    await assert.rejects(store.write([put('b', 1)]), isUnavailable);
    const health = store.health();
    assert.ok(!health.ok && health.reason.includes('read-only'), JSON.stringify(health));
    await server.query('postgres', `alter database ${database} reset default_transaction_read_only`);
    await firstGoodWrite(store);
  });

  test('a session that holds the store refuses writes in time, and none of them is stored', async () => {
    const database = await server.createStore();
    const store = await open(server, database);
    const hold = Promise.withResolvers<void>();
    const held = Promise.withResolvers<void>();
    const holder = store.connections.use(async (connection) => {
      await connection.query('set statement_timeout = 0; set idle_in_transaction_session_timeout = 0');
      await connection.query('begin; select from ursa.head for update');
      held.resolve();
      await hold.promise;
      await connection.query('rollback');
    });
    await held.promise;
    const started = performance.now();
    await assert.rejects(store.write([put('a', 1)]), /holds the store for too long, so nothing was stored/);
    assert.ok(performance.now() - started < longestCall);
    hold.resolve();
    await holder;
    await firstGoodWrite(store);
    assert.equal(follow(store).resources.has('MeshTimeout/default/a'), false);
  });

  test('a role that may not write: the reason is told, and writing goes on once it may', async () => {
    const database = await server.createStore();
    await server.query(
      database,
      `create role reader login password 'kuma'; grant usage on schema ursa to reader; grant select on all tables in schema ursa to reader`,
    );
    const store = await open(server, database, { USER: 'reader' });
    await assert.rejects(store.write([put('a', 1)]), /permission denied.*grant/s);
    const health = store.health();
    assert.ok(!health.ok && !health.stale, JSON.stringify(health));
    await server.query(database, 'grant insert, update, delete on all tables in schema ursa to reader');
    await until('writes are possible', () => store.health().ok);
    await store.write([put('a', 1)]);
  });

  test('a database that is down at the start is waited for, with the reason in the log', async () => {
    const lines: string[] = [];
    const loud = openLog('info', { write: (line) => void lines.push(line) }).component('store');
    const database = await server.createStore();
    await server.stop('fast');
    const opening = openedStore(server.settings(database), { log: loud });
    await until('a line in the log', () => lines.some((line) => line.includes('waiting for the database')));
    await server.start();
    await (await opening).close();
    await server.stop('fast');
    await assert.rejects(
      openedStore(server.settings(database), { log, startPatience: 500 }),
      /was waited for.*nothing listens/,
    );
    await server.start();
    await assert.rejects(open(server, database, { PASSWORD: 'wrong' }), (error: unknown) => {
      assert.ok(
        error instanceof MeshError && error.message.includes('refuses the user') && !error.message.includes('wrong'),
      );
      return true;
    });
    await assert.rejects(open(server, 'nowhere'), /KUMA_STORE_POSTGRES_DB_NAME/);
  });
} else {
  test('faults of PostgreSQL', { skip: postgresMissing });
}
