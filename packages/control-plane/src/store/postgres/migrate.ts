// Brings the tables from one version to another: `kuma-cp migrate`. One transaction, one at a time.
import { MeshError } from '@ursa/resources';
import type { Connection } from './connection.ts';
import { databaseError } from './database-error.ts';
import { type SchemaStep, schemaSteps } from './schema.ts';

/** What a migration did. */
export interface Migration {
  readonly from: number;
  readonly to: number;
  /** Names of the steps taken, in order. */
  readonly steps: readonly string[];
}

/** Two migrations at once wait for each other by this number. */
const migrationLock = 7_520_613_042;

/** A step may rewrite large tables; after this it is given up, in milliseconds. */
const patience = 30 * 60_000;

/** The version of the tables; 0 when there are none. */
export async function readSchemaVersion(connection: Connection): Promise<number> {
  const [table] = await connection.query(`select to_regclass('ursa.schema_version') is not null as present`);
  if (table?.present !== true) return 0;
  const [row] = await connection.query('select max(version) as version from ursa.schema_version');
  return Number(row?.version ?? 0);
}

/** Throws `unsupported` that says what to do when the tables are not those this program works with. */
export async function checkSchemaVersion(connection: Connection, tolerateNewer: boolean): Promise<void> {
  const found = await readSchemaVersion(connection);
  const known = schemaSteps.length;
  if (found === known || (found > known && tolerateNewer)) return;
  const where = `the store in the database at ${connection.server}`;
  throw new MeshError(
    'unsupported',
    found === 0
      ? `${where} has no tables yet: run "kuma-cp migrate up" with the same settings`
      : found < known
        ? `${where} has version ${found}, this program needs version ${known}: run "kuma-cp migrate up" with the same settings`
        : `${where} has version ${found}, this program knows versions up to ${known}: it was migrated by a newer program; run that one, ` +
          'go back with the "kuma-cp migrate down" of that one, or set KUMA_STORE_POSTGRES_TOLERATE_NEWER_DB_VERSIONS=true while both run side by side',
  );
}

/** Brings the tables to the newest version known here. Doing it again changes nothing. Errors: `unsupported` for a newer version. */
export function migrateUp(connection: Connection, steps: readonly SchemaStep[] = schemaSteps): Promise<Migration> {
  return migrate(connection, async (from) => {
    if (from > steps.length) {
      throw new MeshError(
        'unsupported',
        `the store has version ${from}, this program knows versions up to ${steps.length}: it was migrated by a newer program`,
      );
    }
    const taken = steps.slice(from);
    for (const [position, step] of taken.entries()) {
      await connection.query(step.up, [], patience);
      await connection.query('insert into ursa.schema_version(version, name) values($1, $2)', [
        from + position + 1,
        step.name,
      ]);
    }
    return { from, to: from + taken.length, steps: taken.map(({ name }) => name) };
  });
}

/** Takes the newest step back. Errors: `unsupported` when there is none, when it is the first, or when it is not known here. */
export function migrateDown(connection: Connection, steps: readonly SchemaStep[] = schemaSteps): Promise<Migration> {
  return migrate(connection, async (from) => {
    const step = steps[from - 1];
    if (from === 0) throw new MeshError('unsupported', 'the store has no tables: there is nothing to take back');
    if (step === undefined) {
      throw new MeshError(
        'unsupported',
        `the store has version ${from}, this program knows versions up to ${steps.length}: run the "kuma-cp migrate down" of the newer program`,
      );
    }
    if (step.down === undefined) {
      throw new MeshError(
        'unsupported',
        `the store has version ${from}, and nothing comes before it; to delete it with everything in it: drop schema ursa cascade`,
      );
    }
    await connection.query(step.down, [], patience);
    await connection.query('delete from ursa.schema_version where version = $1', [from]);
    return { from, to: from - 1, steps: [step.name] };
  });
}

async function migrate(connection: Connection, work: (from: number) => Promise<Migration>): Promise<Migration> {
  try {
    await connection.query(`begin; set local statement_timeout = 0; set local lock_timeout = 0;
      set local idle_in_transaction_session_timeout = 0`);
    await connection.query('select pg_advisory_xact_lock($1)', [migrationLock], patience);
    await requireUtf8(connection);
    await connection.query(`create schema if not exists ursa;
      create table if not exists ursa.schema_version(
        version integer primary key, name text not null, applied timestamptz not null default now())`);
    const migration = await work(await readSchemaVersion(connection));
    await connection.query('commit', [], patience);
    return migration;
  } catch (error) {
    // What was done is gone with the transaction.
    connection.close();
    throw databaseError(`cannot migrate the store at ${connection.server}`, error);
  }
}

async function requireUtf8(connection: Connection): Promise<void> {
  const [row] = await connection.query(`select current_setting('server_encoding') as encoding`);
  if (row?.encoding === 'UTF8') return;
  throw new MeshError(
    'unsupported',
    `the database has the encoding ${row?.encoding}, which cannot hold every text: create one with encoding 'UTF8'`,
  );
}
