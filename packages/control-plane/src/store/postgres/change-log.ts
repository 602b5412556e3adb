// Reads of the database: where it stands, everything in it, and what has changed since.
import { MeshError, type Resource, type ResourceKey } from '@ursa/resources';
import type { Sealer } from '../sealing/sealer.ts';
import type { StoreChange } from '../store.ts';
import type { Connection, Row } from './connection.ts';

/** A point in the history of the store. Two points are the same when both parts are: a revision alone says nothing about a lost past. */
export interface LogPosition {
  readonly revision: number;
  /** The commit that brought the store there; undefined at the very beginning. */
  readonly commitId: string | undefined;
}

/** Where a server stands. */
export interface Head extends LogPosition {
  /** The server takes no writes (any more). */
  readonly readOnly: boolean;
}

/** Everything at one point. */
export interface Snapshot extends LogPosition {
  readonly resources: readonly Resource[];
}

/** One row of the log. */
export interface LogEntry extends LogPosition {
  readonly key: ResourceKey;
  /** undefined: deleted. */
  readonly after: Resource | undefined;
}

const columns = 'type, mesh, name, version, creation_time, modification_time, labels, spec, status';
const rowsAtATime = 2_000;

/** The cheap question of the heartbeat. */
export async function readHead(connection: Connection): Promise<Head> {
  const [row] = await connection.query(
    `select revision, commit_id, pg_is_in_recovery() or current_setting('transaction_read_only') = 'on' as read_only from ursa.head`,
  );
  return { ...positionOf(row), readOnly: row?.read_only === true };
}

/** Everything, as of one moment. In pieces, so that a server that stops answering is noticed between them. */
export async function readSnapshot(connection: Connection, sealer: Sealer): Promise<Snapshot> {
  await connection.query('begin isolation level repeatable read, read only');
  const [head] = await connection.query(
    'select revision, commit_id, (select count(*) from ursa.resources) as resources from ursa.head',
  );
  await connection.query(`declare everything no scroll cursor for select ${columns} from ursa.resources`);
  const resources: Resource[] = [];
  for (;;) {
    const rows = await connection.query(`fetch ${rowsAtATime} from everything`);
    for (const row of rows) resources.push(resourceOf(row, sealer));
    if (rows.length < rowsAtATime) break;
  }
  await connection.query('commit');
  if (resources.length !== Number(head?.resources)) {
    throw new MeshError(
      'internal',
      `read ${resources.length} resources of ${head?.resources}: the answer of the database is incomplete`,
    );
  }
  return { ...positionOf(head), resources };
}

/**
 * What was written after a position, whole commits in order. undefined when the log does not lead on from there: it was trimmed, or the
 * database has another past (restored, or promoted without the last commits).
 */
export async function readChanges(
  connection: Connection,
  after: LogPosition,
  sealer: Sealer,
): Promise<readonly LogEntry[] | undefined> {
  const rows = await connection.query(
    `select revision, commit_id, ${columns} from ursa.changes where revision >= $1 order by revision`,
    [after.revision],
  );
  const entries = rows.map((row) => entryOf(row, sealer));
  if (after.revision === 0) return entries[0]?.revision === 1 || entries.length === 0 ? entries : undefined;
  const [own, ...later] = entries;
  return own?.revision === after.revision && own.commitId === after.commitId ? later : undefined;
}

/** Whether the commit with this id is the one that followed a revision. */
export async function isCommitted(connection: Connection, expected: number, id: string): Promise<boolean> {
  const rows = await connection.query('select from ursa.changes where revision = $1 and commit_id = $2', [
    expected + 1,
    id,
  ]);
  return rows.length > 0;
}

/**
 * Writes all changes or none, in one round trip. Returns the revision the store stood at: when it is not the expected one, nothing was
 * written. Without changes it only looks.
 */
export async function commitChanges(
  connection: Connection,
  expected: number,
  id: string,
  changes: readonly StoreChange[],
  sealer: Sealer,
): Promise<number> {
  const changed = JSON.stringify(changes.map((change) => rowOf(change, sealer)));
  const [row] = await connection.query('select ursa.commit($1, $2, $3) as revision', [expected, id, changed]);
  return Number(row?.revision);
}

function positionOf(row: Row | undefined): LogPosition {
  if (row === undefined) {
    throw new MeshError(
      'unavailable',
      'the table ursa.head of the store is empty: the database is damaged; restore a backup',
    );
  }
  return { revision: Number(row.revision), commitId: typeof row.commit_id === 'string' ? row.commit_id : undefined };
}

function entryOf(row: Row, sealer: Sealer): LogEntry {
  const key = { type: String(row.type), mesh: String(row.mesh), name: String(row.name) };
  return { ...positionOf(row), key, after: row.version === null ? undefined : resourceOf(row, sealer) };
}

function resourceOf(row: Row, sealer: Sealer): Resource {
  const key = { type: String(row.type), mesh: String(row.mesh), name: String(row.name) };
  return Object.freeze({
    ...key,
    labels: row.labels as Resource['labels'],
    creationTime: String(row.creation_time),
    modificationTime: String(row.modification_time),
    version: Number(row.version),
    spec: sealer.open(key, row.spec),
    ...(row.status === null ? {} : { status: row.status as Resource['status'] }),
  });
}

/** JSON goes as text inside of JSON: the database would otherwise refuse U+0000 while it takes the document apart. */
function rowOf({ key, after }: StoreChange, sealer: Sealer): Row {
  if (after === undefined) return { type: key.type, mesh: key.mesh, name: key.name };
  return {
    type: key.type,
    mesh: key.mesh,
    name: key.name,
    version: after.version,
    creation_time: after.creationTime,
    modification_time: after.modificationTime,
    labels: JSON.stringify(after.labels),
    spec: JSON.stringify(sealer.seal(after) ?? null),
    ...(after.status === undefined ? {} : { status: JSON.stringify(after.status) }),
  };
}
