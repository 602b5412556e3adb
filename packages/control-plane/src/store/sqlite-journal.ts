// The journal of the embedded store: one SQLite file, written ahead, synced at every commit, held by one process.
import { closeSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Labels, Resource } from '@ursa/resources';
import { MeshError } from '@ursa/resources';
import { makeFolder } from '../config/make-folder.ts';
import type { Journal } from './journal.ts';
import { createSealer, type Sealer } from './sealing/sealer.ts';
import { noSealingKeys } from './sealing/sealing-keys.ts';
import { storeFileError } from './sqlite-error.ts';
import { upgradeSchema } from './sqlite-schema.ts';
import { sealAnew } from './sqlite-seal-anew.ts';
import type { StoreChange } from './store.ts';

/** Rows kept in the log of changes; older ones are dropped as new ones come. */
const keptChanges = 10_000;

/**
 * Opens the file, creating it and its folder (readable by the owner only, as it holds signing keys). The lock is the file system's, so
 * a killed process leaves none behind. Errors: `unavailable` (in use, damaged, no access), `unsupported` (written by a newer program).
 */
export function openSqliteJournal(
  file: string,
  now: () => Date,
  sealer: Sealer = createSealer(noSealingKeys),
): Journal {
  const database = openLocked(file, now);
  const statements = prepareStatements(database);
  try {
    sealAnew(database, sealer);
  } catch (error) {
    database.close();
    throw error instanceof MeshError ? error : storeFileError(file, 'cannot seal the store file', error);
  }

  function run(action: string, work: () => void): void {
    try {
      database.exec('begin immediate');
      work();
      database.exec('commit');
    } catch (error) {
      rollBack(database);
      throw storeFileError(file, action, error);
    }
  }

  return {
    load() {
      try {
        const row = statements.revision.get();
        const revision = typeof row?.revision === 'number' ? row.revision : 0;
        return { resources: statements.all.all().map((row) => resourceFromRow(row, sealer)), revision };
      } catch (error) {
        throw storeFileError(file, 'cannot read the store file', error);
      }
    },
    commit(changes) {
      run('cannot write to the store file', () => {
        const time = now().toISOString();
        for (const change of changes) keep(statements, change, time, sealer);
        const newest = changes.at(-1)?.revision ?? 0;
        statements.forget.run(newest - keptChanges);
      });
    },
    probe() {
      // Two pages of zeros must fit, and are gone again with the rollback that follows the deliberate end of the work.
      run('cannot write to the store file', () => {
        database.exec('create table space_probe as select zeroblob(8192) as filler');
        database.exec('drop table space_probe');
      });
    },
    close() {
      database.close();
    },
  };
}

function openLocked(file: string, now: () => Date): DatabaseSync {
  try {
    makeFolder(dirname(file));
    closeSync(openSync(file, 'a', 0o600));
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    throw new MeshError(
      'unavailable',
      `cannot open the store file ${file}: ${text}; general.workDir (KUMA_GENERAL_WORK_DIR) names the folder to use`,
      { cause: error },
    );
  }
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file);
    // Exclusive before anything else: the write-ahead index then lives in this process, and no second process gets in.
    database.exec('pragma locking_mode = exclusive; pragma journal_mode = wal; pragma synchronous = full;');
    database.exec('pragma journal_size_limit = 4194304;');
    database.exec('begin exclusive');
    upgradeSchema(database, file, now().toISOString());
    database.exec('commit');
    return database;
  } catch (error) {
    database?.close();
    throw error instanceof MeshError ? error : storeFileError(file, 'cannot open the store file', error);
  }
}

type Statements = ReturnType<typeof prepareStatements>;

function prepareStatements(database: DatabaseSync) {
  return {
    all: database.prepare('select * from resources order by type, mesh, name'),
    revision: database.prepare('select max(revision) as revision from changes'),
    put: database.prepare(
      `insert into resources(type, mesh, name, version, creation_time, modification_time, labels, spec, status)
       values(?, ?, ?, ?, ?, ?, ?, ?, ?)
       on conflict(type, mesh, name) do update set version = excluded.version, creation_time = excluded.creation_time,
         modification_time = excluded.modification_time, labels = excluded.labels, spec = excluded.spec, status = excluded.status`,
    ),
    remove: database.prepare('delete from resources where type = ? and mesh = ? and name = ?'),
    log: database.prepare('insert into changes(revision, time, type, mesh, name, version) values(?, ?, ?, ?, ?, ?)'),
    forget: database.prepare('delete from changes where revision <= ?'),
  };
}

function keep(statements: Statements, { key, after, revision }: StoreChange, time: string, sealer: Sealer): void {
  statements.log.run(revision, time, key.type, key.mesh, key.name, after?.version ?? null);
  if (after === undefined) {
    statements.remove.run(key.type, key.mesh, key.name);
    return;
  }
  const status = after.status === undefined ? null : JSON.stringify(after.status);
  statements.put.run(
    key.type,
    key.mesh,
    key.name,
    after.version,
    after.creationTime,
    after.modificationTime,
    JSON.stringify(after.labels),
    JSON.stringify(sealer.seal(after) ?? null),
    status,
  );
}

function resourceFromRow(row: Record<string, unknown>, sealer: Sealer): Resource {
  const status = row.status === null ? undefined : JSON.parse(String(row.status));
  const key = { type: String(row.type), mesh: String(row.mesh), name: String(row.name) };
  return Object.freeze({
    ...key,
    labels: JSON.parse(String(row.labels)) as Labels,
    creationTime: String(row.creation_time),
    modificationTime: String(row.modification_time),
    version: Number(row.version),
    spec: sealer.open(key, JSON.parse(String(row.spec))),
    ...(status === undefined ? {} : { status }),
  });
}

/** After a full disk SQLite may have rolled back by itself; then there is nothing to roll back. */
function rollBack(database: DatabaseSync): void {
  if (database.isTransaction) database.exec('rollback');
}
