// The PostgreSQL store passes the contract of all stores, on a real server.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { openLog } from '../../src/log.ts';
import type { Store } from '../../src/store/store.ts';
import { openedStore } from '../opened.ts';
import { openPostgresServer, postgresMissing } from '../postgres-server.ts';
import { follow, put, remove, testStoreContract } from '../store-contract.ts';

const log = openLog('off', { write: () => undefined }).component('store');

if (postgresMissing === undefined) {
  const server = await openPostgresServer();
  after(() => server.remove());
  const open = (database: string): Promise<Store> => openedStore(server.settings(database), { log });

  const reused = await server.createStore();
  testStoreContract({ name: 'PostgreSQL store', open: async () => open(await server.emptyStore(reused)) });

  test('everything is there again after the store was closed, and revisions go on', async () => {
    const database = await server.createStore();
    const store = await open(database);
    await store.write([put('a', { deep: [1, 'two', null] }, undefined, { team: 'x' }), put('b', 1)]);
    await store.write([put('b', 2), remove('a')]);
    await store.write([put('a', 'again')]);
    const before = follow(store).resources;
    await store.close();

    const reopened = await open(database);
    const { resources } = follow(reopened);
    assert.deepEqual([...resources].toSorted(), [...before].toSorted());
    assert.equal(reopened.revision(), 5);
    assert.equal((await reopened.write([put('c', 1)])).revision, 6);
    await reopened.close();
  });
} else {
  test('the PostgreSQL store', { skip: postgresMissing });
}
