// The embedded store passes the contract of all stores, and what it took outlives it.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import { MeshError } from '@ursa/resources';
import { openEmbeddedStore } from '../../src/store/embedded-store.ts';
import { follow, put, remove, testStoreContract } from '../store-contract.ts';

const folder = mkdtempSync(join(tmpdir(), 'ursa-store-'));
after(() => rmSync(folder, { recursive: true, force: true }));

let opened = 0;
function newFile(): string {
  opened += 1;
  return join(folder, String(opened), 'store.db');
}

testStoreContract({ name: 'embedded store', open: async () => openEmbeddedStore(newFile()) });

test('everything is there again after the store was closed, and revisions go on', async () => {
  const file = newFile();
  const store = openEmbeddedStore(file);
  await store.write([put('a', { deep: [1, 'two', null] }, undefined, { team: 'x' }), put('b', 1)]);
  await store.write([put('b', 2), remove('a')]);
  await store.write([put('a', 'again')]);
  const before = follow(store).resources;
  await store.close();

  const reopened = openEmbeddedStore(file);
  const { resources } = follow(reopened);
  assert.deepEqual([...resources].toSorted(), [...before].toSorted());
  assert.equal(reopened.revision(), 5);
  assert.equal((await reopened.write([put('c', 1)])).revision, 6);
  await reopened.close();
});

test('a revision that was a deletion is not given out again after a restart', async () => {
  const file = newFile();
  const store = openEmbeddedStore(file);
  await store.write([put('a', 1)]);
  await store.write([remove('a')]);
  await store.close();
  const reopened = openEmbeddedStore(file);
  assert.equal(reopened.revision(), 2);
  await reopened.close();
});

test('an equal put after a restart changes nothing', async () => {
  const file = newFile();
  const store = openEmbeddedStore(file);
  await store.write([put('a', { list: [{ x: undefined, y: 1 }] })]);
  await store.close();
  const reopened = openEmbeddedStore(file);
  assert.equal((await reopened.write([put('a', { list: [{ y: 1 }] })])).revision, 1);
  await reopened.close();
});

test('a file has one owner: opening it twice is refused with what to do', async () => {
  const file = newFile();
  const store = openEmbeddedStore(file);
  assert.throws(
    () => openEmbeddedStore(file),
    (error: unknown) =>
      error instanceof MeshError && error.code === 'unavailable' && error.message.includes('KUMA_GENERAL_WORK_DIR'),
  );
  await store.write([put('a', 1)]);
  await store.close();
});

test('a file of a newer program is refused and left as it is', async () => {
  const file = newFile();
  await openEmbeddedStore(file).close();
  const database = new DatabaseSync(file);
  database.exec("insert into schema_version(version, applied) values(99, '')");
  database.close();
  assert.throws(
    () => openEmbeddedStore(file),
    (error: unknown) =>
      error instanceof MeshError && error.code === 'unsupported' && error.message.includes('version 99'),
  );
});

test('a file that is no store is refused and left as it is', () => {
  const file = join(folder, 'text');
  writeFileSync(file, 'This was never a database, only a long enough text to be taken for a page of one. '.repeat(100));
  assert.throws(
    () => openEmbeddedStore(file),
    (error: unknown) => error instanceof MeshError && error.message.includes('not a store file'),
  );
  assert.ok(statSync(file).size > 8_000);
});

test('a folder that cannot be made is an error with its name', () => {
  assert.throws(
    () => openEmbeddedStore('/proc/nowhere/store.db'),
    (error: unknown) => error instanceof MeshError && error.message.includes('/proc/nowhere/store.db'),
  );
});

test('only its owner can read the file, because it holds keys', async () => {
  const file = newFile();
  const store = openEmbeddedStore(file);
  await store.write([put('a', 1)]);
  for (const name of [file, `${file}-wal`]) assert.equal(statSync(name).mode & 0o077, 0, name);
  await store.close();
});
