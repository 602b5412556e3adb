// Which of the servers takes the writes: the first that does, in the order of the settings.
import { MeshError } from '@ursa/resources';
import { readHead } from './change-log.ts';
import { type Connection, openConnection } from './connection.ts';
import { failureKind } from './database-error.ts';
import type { PostgresOptions, PostgresServer } from './options.ts';

/** A connection, and the server it goes to. */
export interface PrimaryConnection {
  readonly connection: Connection;
  readonly server: PostgresServer;
  /** Grows with every promotion of a standby; undefined with a single server, or where the database does not tell. */
  readonly timeline: number | undefined;
}

/** What was seen already: whoever is behind it may be an old primary that came back. */
export interface Seen {
  readonly revision: number;
  readonly timeline: number | undefined;
}

const nothing: Seen = { revision: 0, timeline: undefined };

/**
 * Connects to the primary. Where several servers take writes, one that has not got the revision that was seen already comes last; one on an older
 * timeline is not used at all: it was replaced. Errors: `unavailable` with what each server said.
 */
export async function connectToPrimary(options: PostgresOptions, seen = nothing): Promise<PrimaryConnection> {
  const failures: unknown[] = [];
  let behind: PrimaryConnection | undefined;
  for (const server of options.servers) {
    try {
      const found = await connectToOne(options, server, seen);
      const isBehind =
        options.servers.length > 1 && seen.revision > 0 && (await readHead(found.connection)).revision < seen.revision;
      if (!isBehind) {
        behind?.connection.close();
        return found;
      }
      if (behind === undefined) behind = found;
      else found.connection.close();
    } catch (error) {
      failures.push(error);
    }
  }
  if (behind !== undefined) return behind;
  if (failures.length === 1) throw failures[0];
  const message = failures.map((error) => (error instanceof Error ? error.message : String(error))).join('; ');
  // As long as one of them may come back, waiting helps.
  const cause = failures.find((error) => failureKind(error) === 'gone') ?? failures[0];
  throw new MeshError('unavailable', message, { cause });
}

async function connectToOne(options: PostgresOptions, server: PostgresServer, seen: Seen): Promise<PrimaryConnection> {
  const connection = await connectForWriting(options, server);
  const timeline = options.servers.length > 1 ? await timelineOf(connection) : undefined;
  if (timeline === undefined || seen.timeline === undefined || timeline >= seen.timeline)
    return { connection, server, timeline };
  connection.close();
  throw new MeshError(
    'unavailable',
    `PostgreSQL at ${connection.server} is an old primary: it is on timeline ${timeline}, and ${seen.timeline} was in use; make it a standby of the new one`,
  );
}

/** The name of a file of the write-ahead log begins with the timeline. Not every service that speaks PostgreSQL has such files. */
async function timelineOf(connection: Connection): Promise<number | undefined> {
  const statement = 'select left(pg_walfile_name(pg_current_wal_lsn()), 8) as timeline';
  const [row] = await connection.query(statement).catch(() => []);
  return typeof row?.timeline === 'string' ? Number.parseInt(row.timeline, 16) : undefined;
}

/** Connects to one server, which must take writes. */
export async function connectForWriting(options: PostgresOptions, server: PostgresServer): Promise<Connection> {
  const connection = await openConnection(options, server);
  if (connection.writable) return connection;
  connection.close();
  throw new MeshError(
    'unavailable',
    `PostgreSQL at ${connection.server} is read-only: it is a standby, or was demoted; name the primary too in KUMA_STORE_POSTGRES_HOST`,
  );
}
