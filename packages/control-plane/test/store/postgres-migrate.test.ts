// The tables of the PostgreSQL store: made and changed only by a migration, refused when they are not those the program works with.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { MeshError } from '@ursa/resources';
import { defaultSettings } from '../../src/config/load-settings.ts';
import { openLog } from '../../src/log.ts';
import { migrateStore } from '../../src/migrate-store.ts';
import type { Connection } from '../../src/store/postgres/connection.ts';
import { migrateDown, migrateUp } from '../../src/store/postgres/migrate.ts';
import { readPostgresOptions } from '../../src/store/postgres/options.ts';
import { type SchemaStep, schemaSteps } from '../../src/store/postgres/schema.ts';
import { openedConnection, openedStore } from '../opened.ts';
import { openPostgresServer, postgresMissing } from '../postgres-server.ts';
import { follow, put } from '../store-contract.ts';

const log = openLog('off', { write: () => undefined }).component('store');
const known = schemaSteps.length;

/** A step that a later version might bring. */
const nextStep: SchemaStep = {
  name: 'a note on each resource',
  up: "alter table ursa.resources add column note text not null default ''",
  down: 'alter table ursa.resources drop column note',
};
const nextSteps = [...schemaSteps, nextStep];

const refusal =
  (code: string, ...words: readonly string[]) =>
  (error: unknown) => {
    assert.ok(error instanceof MeshError, String(error));
    assert.equal(error.code, code);
    for (const word of words) assert.ok(error.message.includes(word), `${error.message} lacks ${word}`);
    return true;
  };

if (postgresMissing === undefined) {
  const server = await openPostgresServer();
  after(() => server.remove());

  async function connect(database: string): Promise<Connection> {
    const target = await readPostgresOptions(server.settings(database));
    return await openedConnection(target, { host: '127.0.0.1', port: server.port });
  }
  const cli = (database: string, direction: 'up' | 'down') =>
    migrateStore(
      {
        ...defaultSettings(),
        store: { ...defaultSettings({ 'store.type': 'postgres' }).store, postgres: server.settings(database) },
      },
      direction,
    );

  test('a database without tables is refused with what to do, and works after "migrate up"', async () => {
    const database = await server.createDatabase();
    const open = () => openedStore(server.settings(database), { log });
    await assert.rejects(open, refusal('unsupported', 'no tables yet', 'kuma-cp migrate up'));
    assert.match(
      await cli(database, 'up'),
      new RegExp(`from version 0 to version ${known}: \\+ resources and the log`),
    );
    assert.match(await cli(database, 'up'), new RegExp(`nothing to migrate: .* has version ${known} already`));
    await (await open()).close();
  });

  test('two migrations at once do not disturb each other', async () => {
    const database = await server.createDatabase();
    const connections = await Promise.all(Array.from({ length: 4 }, () => connect(database)));
    const migrations = await Promise.all(connections.map((connection) => migrateUp(connection)));
    assert.equal(migrations.filter(({ from }) => from === 0).length, 1);
    assert.ok(migrations.every(({ to }) => to === known));
    for (const connection of connections) connection.close();
  });

  test('a step of a newer version: refused until it is tolerated or taken back, and nothing is lost on either way', async () => {
    const database = await server.createStore();
    const settings = server.settings(database);
    const store = await openedStore(settings, { log });
    await store.write([put('a', 1), put('b', { text: 'x' })]);
    const before = follow(store).resources;
    await store.close();

    const connection = await connect(database);
    assert.deepEqual(await migrateUp(connection, nextSteps), { from: known, to: known + 1, steps: [nextStep.name] });
    await assert.rejects(
      openedStore(settings, { log }),
      refusal('unsupported', `version ${known + 1}`, 'TOLERATE_NEWER'),
    );
    await assert.rejects(cli(database, 'up'), refusal('unsupported', `version ${known + 1}`));
    await assert.rejects(cli(database, 'down'), refusal('unsupported', 'newer program'));

    const tolerant = await openedStore(server.settings(database, { TOLERATE_NEWER_DB_VERSIONS: 'true' }), {
      log,
    });
    await tolerant.write([put('a', 2)]);
    await tolerant.close();

    assert.deepEqual(await migrateDown(connection, nextSteps), { from: known + 1, to: known, steps: [nextStep.name] });
    connection.close();
    const reopened = await openedStore(settings, { log });
    const { resources } = follow(reopened);
    assert.deepEqual(resources.get('MeshTimeout/default/b'), before.get('MeshTimeout/default/b'));
    assert.equal(resources.get('MeshTimeout/default/a')?.version, 2);
    await reopened.close();
  });

  test('what the first version holds is read by this one, and is still there after going all the way back', async () => {
    const database = await server.createDatabase();
    const connection = await connect(database);
    await migrateUp(connection, schemaSteps.slice(0, 1));
    await server.query(
      database,
      `select ursa.commit(0, gen_random_uuid(), '[{"type":"MeshTimeout","mesh":"default","name":"a","version":1,
        "creation_time":"2026-01-01T00:00:00.000Z","modification_time":"2026-01-01T00:00:00.000Z","labels":"{}","spec":"{\\"content\\":1}"}]')`,
    );
    await migrateUp(connection);
    const store = await openedStore(server.settings(database), { log });
    assert.deepEqual(follow(store).resources.get('MeshTimeout/default/a')?.spec, { content: 1 });
    await store.write([put('b', 2)]);
    await store.close();
    for (let version = known; version > 1; version -= 1) {
      assert.equal((await migrateDown(connection)).to, version - 1);
    }
    connection.close();
    const rows = await server.query(database, 'select name, version::int as version from ursa.resources order by name');
    assert.deepEqual(rows, [
      { name: 'a', version: 1 },
      { name: 'b', version: 1 },
    ]);
  });

  test('a step that fails leaves the tables as they were', async () => {
    const database = await server.createStore();
    const broken: SchemaStep = { name: 'broken', up: `${nextStep.up}; select nothing`, down: undefined };
    await assert.rejects(
      migrateUp(await connect(database), [...schemaSteps, broken]),
      refusal('unavailable', 'nothing'),
    );
    assert.match(await cli(database, 'up'), /nothing to migrate/);
    const columns = await server.query(database, "select 1 from information_schema.columns where column_name = 'note'");
    assert.equal(columns.length, 0);
  });

  test('the first version is not taken back: that would delete everything', async () => {
    const database = await server.createDatabase();
    const only = schemaSteps.slice(0, 1);
    const connection = await connect(database);
    await migrateUp(connection, only);
    await assert.rejects(migrateDown(connection, only), refusal('unsupported', 'nothing comes before it'));
  });

  test('a database that cannot hold every text is refused', async () => {
    await server.query('postgres', "create database latin encoding 'LATIN1' locale 'C' template template0");
    await assert.rejects(cli('latin', 'up'), refusal('unsupported', 'LATIN1', 'UTF8'));
  });

  test('tables of others in the same database do not matter', async () => {
    const database = await server.createDatabase();
    await server.query(database, 'create table resources(name text); create table schema_version(version int)');
    await cli(database, 'up');
    await (await openedStore(server.settings(database), { log })).close();
  });
} else {
  test('migrations of PostgreSQL', { skip: postgresMissing });
}
