// Several stores over one database: none loses what another wrote, and all tell the same story in the same order.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { MeshError } from '@ursa/resources';
import fc from 'fast-check';
import { openLog } from '../../src/log.ts';
import type { PostgresStore } from '../../src/store/postgres/postgres-store.ts';
import type { Store, StoreChange, StoreContent, StoreWrite, WriteResult } from '../../src/store/store.ts';
import { openedStore } from '../opened.ts';
import { openPostgresServer, postgresMissing } from '../postgres-server.ts';
import { follow, put, remove } from '../store-contract.ts';

const log = openLog('off', { write: () => undefined }).component('store');

/** Waits until the store stands at the revision. */
async function reach(store: Store, revision: number): Promise<void> {
  for (let tries = 0; store.revision() < revision; tries += 1) {
    assert.ok(tries < 1_000, `the store stands at ${store.revision()} and does not get to ${revision}`);
    await sleep(10);
  }
}

function told(changes: readonly StoreChange[]): unknown {
  return changes.map(({ key, before, after, revision }) => [revision, key.name, before, after]);
}

/** Adds one to a number in the store, whatever it is. */
const increment = (content: StoreContent): readonly StoreWrite[] => {
  const spec = content.get({ type: 'MeshTimeout', mesh: 'default', name: 'counter' })?.spec;
  return [put('counter', ((spec as { readonly content?: number } | undefined)?.content ?? 0) + 1)];
};

if (postgresMissing === undefined) {
  const server = await openPostgresServer();
  after(() => server.remove());
  const open = (database: string, env: Readonly<Record<string, string>> = {}): Promise<PostgresStore> =>
    openedStore(server.settings(database, env), { log });

  async function withStores(count: number, run: (stores: readonly PostgresStore[], database: string) => Promise<void>) {
    const database = await server.createStore();
    const stores = await Promise.all(Array.from({ length: count }, () => open(database)));
    try {
      await run(stores, database);
    } finally {
      await Promise.all(stores.map((store) => store.close()));
    }
  }

  test('what one store writes, another tells of', () =>
    withStores(2, async ([one, other]) => {
      assert.ok(one !== undefined && other !== undefined);
      const { changes, resources } = follow(other);
      await one.write([put('a', { deep: ['x', null] }, undefined, { team: 't' }), put('b', 1)]);
      const { revision } = await one.write([remove('b'), put('a', 2)]);
      await reach(other, revision);
      assert.deepEqual(told(changes), [
        [1, 'a', undefined, changes[0]?.after],
        [2, 'b', undefined, changes[1]?.after],
        [3, 'b', changes[1]?.after, undefined],
        [4, 'a', changes[0]?.after, changes[3]?.after],
      ]);
      assert.deepEqual([...resources.values()], [...follow(one).resources.values()]);
    }));

  test('a write of one store is told of by another in one call', () =>
    withStores(2, async ([one, other]) => {
      assert.ok(one !== undefined && other !== undefined);
      const calls: number[] = [];
      other.changes((changes) => calls.push(changes.length));
      const { revision } = await one.write([put('a', 1), put('b', 1), put('c', 1)]);
      await reach(other, revision);
      assert.deepEqual(calls, [0, 3]);
    }));

  test('a write is decided on what others have written, however late that is heard of', () =>
    withStores(2, async ([one, other]) => {
      assert.ok(one !== undefined && other !== undefined);
      for (let round = 1; round <= 30; round += 1) {
        await one.write([put('a', round)]);
        // At once, before the other can have been notified: neither of these may be answered from what it remembers.
        await assert.rejects(other.write([put('a', 'lost', round - 1)]), isRefusal('precondition-failed'));
        const same: WriteResult = await other.write([put('a', round)]);
        assert.equal(same.resources[0]?.version, round);
      }
    }));

  test('of writers in several stores none loses an update, and none is left behind', () =>
    withStores(3, async (stores) => {
      const feeds = stores.map(follow);
      const perStore = 60;
      await Promise.all(
        stores.map(async (store) => {
          for (let number = 0; number < perStore; number += 1) await store.write(increment);
        }),
      );
      const expected = perStore * stores.length;
      await Promise.all(stores.map((store) => reach(store, expected)));
      for (const { resources, changes } of feeds) {
        assert.deepEqual(resources.get('MeshTimeout/default/counter')?.spec, { content: expected });
        assert.deepEqual(told(changes), told(feeds[0]?.changes ?? []));
      }
    }));

  test('random writes of two stores: the same content and the same feed in both, and in one that is opened later', async () => {
    const name = fc.constantFrom('a', 'b', 'c', 'd');
    const version = fc.option(fc.integer({ min: 0, max: 3 }), { nil: undefined, freq: 2 });
    const write = fc.oneof(
      { weight: 3, arbitrary: fc.tuple(name, fc.integer(), version).map(([who, what, seen]) => put(who, what, seen)) },
      { weight: 1, arbitrary: fc.tuple(name, version).map(([who, seen]) => remove(who, seen)) },
    );
    const calls = fc.array(fc.tuple(fc.integer({ min: 0, max: 1 }), fc.array(write, { minLength: 1, maxLength: 4 })), {
      minLength: 1,
      maxLength: 30,
    });
    await withStores(2, async (stores, database) => {
      const feeds = stores.map(follow);
      await fc.assert(
        fc.asyncProperty(calls, async (sequence) => {
          const outcomes = await Promise.allSettled(sequence.map(([which, writes]) => stores[which]?.write(writes)));
          for (const outcome of outcomes) {
            if (outcome.status === 'rejected') assert.ok(isRefusal('precondition-failed', 'not-found')(outcome.reason));
          }
          const newest = Math.max(...stores.map((store) => store.revision()));
          await Promise.all(stores.map((store) => reach(store, newest)));
          assert.deepEqual(feeds[0]?.resources, feeds[1]?.resources);
        }),
        { numRuns: 60 },
      );
      assert.deepEqual(told(feeds[0]?.changes ?? []), told(feeds[1]?.changes ?? []));
      const revisions = feeds[0]?.changes.map(({ revision }) => revision) ?? [];
      assert.deepEqual(
        revisions,
        revisions.map((_, position) => position + 1),
      );
      const late = await open(database);
      assert.deepEqual(
        new Map([...follow(late).resources].toSorted()),
        new Map([...(feeds[0]?.resources ?? [])].toSorted()),
      );
      await late.close();
    });
  });
} else {
  test('several stores over one PostgreSQL', { skip: postgresMissing });
}

function isRefusal(...codes: readonly string[]): (error: unknown) => boolean {
  return (error) => error instanceof MeshError && codes.includes(error.code);
}
