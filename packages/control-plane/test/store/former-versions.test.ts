// Stores as former versions wrote them, kept as files: this program reads each, goes on in it, and a store of this program goes one step back.
import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Settings } from '../../src/config/settings.ts';
import { openLog } from '../../src/log.ts';
import { openEmbeddedStore } from '../../src/store/embedded-store.ts';
import { migrateDown, migrateUp, readSchemaVersion } from '../../src/store/postgres/migrate.ts';
import { readPostgresOptions } from '../../src/store/postgres/options.ts';
import { schemaSteps } from '../../src/store/postgres/schema.ts';
import { schemaVersion } from '../../src/store/sqlite-schema.ts';
import type { Store } from '../../src/store/store.ts';
import { openedConnection, openedStore } from '../opened.ts';
import { openPostgresServer, postgresMissing } from '../postgres-server.ts';
import { follow, put } from '../store-contract.ts';

const folder = join(import.meta.dirname, 'former-versions');
const log = openLog('off', { write: () => undefined }).component('store');
const known = schemaSteps.length;

/** Each file holds the same: what was written, what was changed, and not what was deleted. */
async function checkContent(store: Store): Promise<void> {
  const { resources } = follow(store);
  const times = { creationTime: '2026-11-28T12:00:00.000Z', modificationTime: '2026-11-28T12:00:00.000Z' };
  const common = { type: 'MeshTimeout', mesh: 'default', ...times };
  const text = 'zwölf \u0000 "x"';
  assert.deepEqual(
    [...resources.values()].toSorted((left, right) => (left.name < right.name ? -1 : 1)),
    [
      { ...common, name: 'changed', version: 2, labels: {}, spec: { content: 2 } },
      { ...common, name: 'kept', version: 1, labels: { team: 'web' }, spec: { content: { text, list: [1, null] } } },
    ],
  );
  assert.equal(store.revision(), 5);
  assert.equal((await store.write([put('new', 1)])).revision, 6);
}

test('there is a file of every version', () => {
  const expected = [
    ...Array.from({ length: schemaVersion }, (_, position) => `embedded-${position + 1}.db`),
    ...Array.from({ length: known }, (_, position) => `postgres-${position + 1}.sql`),
  ];
  assert.deepEqual(readdirSync(folder).toSorted(), expected);
});

for (let version = 1; version <= schemaVersion; version += 1) {
  test(`a store file of version ${version} is read, and written on`, async () => {
    const place = mkdtempSync(join(tmpdir(), 'ursa-former-'));
    after(() => rmSync(place, { recursive: true }));
    const file = join(place, 'store.db');
    copyFileSync(join(folder, `embedded-${version}.db`), file);
    const store = openEmbeddedStore(file);
    await checkContent(store);
    await store.close();
  });
}

if (postgresMissing === undefined) {
  const server = await openPostgresServer();
  after(() => server.remove());

  async function restore(version: number): Promise<string> {
    const database = await server.createDatabase();
    await server.query(database, readFileSync(join(folder, `postgres-${version}.sql`), 'utf8'));
    return database;
  }
  const connect = async (settings: Settings['store']['postgres']) =>
    await openedConnection(await readPostgresOptions(settings), { host: '127.0.0.1', port: server.port });

  for (let version = 1; version <= known; version += 1) {
    test(`a database of version ${version} is migrated by two at once, read, and written on`, async () => {
      const settings = server.settings(await restore(version));
      const connections = await Promise.all([connect(settings), connect(settings)]);
      const migrations = await Promise.all(connections.map((connection) => migrateUp(connection)));
      assert.deepEqual(
        migrations.map(({ to }) => to),
        [known, known],
      );
      assert.equal(migrations.filter(({ from, to }) => from < to).length, version < known ? 1 : 0);
      for (const connection of connections) connection.close();
      const store = await openedStore(settings, { log });
      await checkContent(store);
      await store.close();
    });
  }

  test('a database of this version, taken back one step, is as the former version made it, with everything in it', async () => {
    const [back, former] = await Promise.all([restore(known), restore(known - 1)]);
    const connection = await connect(server.settings(back));
    assert.deepEqual(await migrateDown(connection), {
      from: known,
      to: known - 1,
      steps: [schemaSteps[known - 1]?.name],
    });
    assert.equal(await readSchemaVersion(connection), known - 1);
    const shape = `select table_name, column_name, data_type, is_nullable from information_schema.columns where table_schema = 'ursa' order by 1, 2`;
    assert.deepEqual(await server.query(back, shape), await server.query(former, shape));
    for (const table of ['resources', 'changes', 'head']) {
      const count = `select count(*)::int as rows from ursa.${table}`;
      assert.deepEqual(await server.query(back, count), await server.query(former, count), table);
    }
    // And forwards again, as if nothing had been.
    await migrateUp(connection);
    connection.close();
    const store = await openedStore(server.settings(back), { log });
    await checkContent(store);
    await store.close();
  });
} else {
  test('databases of former versions', { skip: postgresMissing });
}
