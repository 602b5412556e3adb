// Brings the tables of the store to the current key: what was stored plainly, or with another key, is sealed anew, in the log of changes too.
import type { Logger } from '../../log.ts';
import type { Sealer } from '../sealing/sealer.ts';
import type { Connection, Row } from './connection.ts';

const tables = [
  { name: 'ursa.resources', id: 'version' },
  { name: 'ursa.changes', id: 'revision' },
] as const;

/**
 * Seals what is outdated; nothing when nothing is. Revisions and versions stay as they are, so that other control planes need not read anything
 * again. Errors: those of the sealer, so that a missing key is found before anything is served.
 */
export async function sealAnew(connection: Connection, sealer: Sealer, log: Pick<Logger, 'info'>): Promise<void> {
  for (const { name, id } of tables) {
    const rows = await connection.query(
      // Keys have no other way into a text than by these words: most rows need not come here.
      `select type, mesh, name, spec, ${id} as id from ${name} where spec is not null
         and (type in ('Secret', 'GlobalSecret') or spec::text like '%inline%' or spec::text like '%$sealed%')`,
    );
    const outdated = rows.flatMap((row) => sealedAnew(row, sealer));
    for (const { type, mesh, name: resource, id: at, spec } of outdated) {
      await connection.query(
        `update ${name} set spec = $1::json where type = $2 and mesh = $3 and name = $4 and ${id} = $5`,
        [spec, type, mesh, resource, at],
      );
    }
    if (outdated.length === 0) continue;
    log.info('secrets in the store were sealed anew', { table: name, rows: outdated.length });
    await vacuum(connection, name, log);
  }
}

function sealedAnew(row: Row, sealer: Sealer) {
  const key = { type: String(row.type), mesh: String(row.mesh), name: String(row.name) };
  const spec = sealer.open(key, row.spec);
  if (!sealer.isOutdated({ ...key, spec }, row.spec)) return [];
  return [{ ...key, id: row.id, spec: JSON.stringify(sealer.seal({ ...key, spec }) ?? null) }];
}

/** Old versions of rows stay in the table's file until then. */
async function vacuum(connection: Connection, table: string, log: Pick<Logger, 'info'>): Promise<void> {
  try {
    await connection.query(`vacuum ${table}`);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    log.info('old versions of what was sealed stay in the table until the next vacuum', { table, reason });
  }
}
