// Brings a store file to the current key: what was stored plainly, or with another key, is sealed anew, and no trace of it stays in the file.
import type { DatabaseSync } from 'node:sqlite';
import type { Sealer } from './sealing/sealer.ts';

/**
 * Seals what is outdated, in one transaction; nothing when nothing is. Versions and the log of changes stay as they are. Errors: those of the
 * sealer, so that a missing key is found before anything is served, and those of SQLite.
 */
export function sealAnew(database: DatabaseSync, sealer: Sealer): void {
  // What is overwritten or deleted is zeroed from here on, not just let go.
  database.exec('pragma secure_delete = on');
  const rows = database.prepare('select type, mesh, name, spec from resources').all();
  const update = database.prepare('update resources set spec = ? where type = ? and mesh = ? and name = ?');
  const outdated = rows.flatMap((row) => {
    const key = { type: String(row.type), mesh: String(row.mesh), name: String(row.name) };
    const stored: unknown = JSON.parse(String(row.spec));
    const spec = sealer.open(key, stored);
    return sealer.isOutdated({ ...key, spec }, stored) ? [{ ...key, spec }] : [];
  });
  if (outdated.length === 0) return;
  database.exec('begin immediate');
  try {
    for (const resource of outdated) {
      const { type, mesh, name } = resource;
      update.run(JSON.stringify(sealer.seal(resource) ?? null), type, mesh, name);
    }
    database.exec('commit');
  } catch (error) {
    database.exec('rollback');
    throw error;
  }
  // Free pages and the log written ahead still have what was there before.
  database.exec('vacuum');
  database.exec('pragma wal_checkpoint(truncate)');
}
