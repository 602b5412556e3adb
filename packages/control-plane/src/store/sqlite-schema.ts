// Tables of the store file, and the steps from an older form to this one.
import type { DatabaseSync } from 'node:sqlite';
import { MeshError } from '@ursa/resources';

/** Step n brings a file from version n to n + 1. Steps are never changed once released, only added. */
const steps: readonly string[] = [
  `create table resources(
     type text not null, mesh text not null, name text not null,
     version integer not null, creation_time text not null, modification_time text not null,
     labels text not null, spec text not null, status text,
     primary key(type, mesh, name)
   ) without rowid;
   create table changes(
     revision integer primary key, time text not null,
     type text not null, mesh text not null, name text not null, version integer
   );`,
];

/** Version of a file written by this program. */
export const schemaVersion = steps.length;

/**
 * Brings the file to this program's version in one transaction. A file of a newer version is refused: this program would not know
 * what the newer one meant by it.
 */
export function upgradeSchema(database: DatabaseSync, file: string, now: string): void {
  database.exec('create table if not exists schema_version(version integer not null, applied text not null)');
  const row = database.prepare('select max(version) as version from schema_version').get();
  const found = typeof row?.version === 'number' ? row.version : 0;
  if (found > schemaVersion) {
    throw new MeshError(
      'unsupported',
      `the store file ${file} has version ${found}, this program knows versions up to ${schemaVersion}: it was written by a newer program; run that one, or restore a backup`,
    );
  }
  const record = database.prepare('insert into schema_version(version, applied) values(?, ?)');
  for (const [position, step] of steps.entries()) {
    if (position < found) continue;
    database.exec(step);
    record.run(position + 1, now);
  }
}
