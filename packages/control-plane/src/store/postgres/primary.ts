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
}

/**
 * Connects to the primary. Where several servers take writes, one that has not got what was seen already (`seen`, a revision) comes last:
 * it may be an old primary that came back. Errors: `unavailable` with what each server said.
 */
export async function connectToPrimary(options: PostgresOptions, seen = 0): Promise<PrimaryConnection> {
  const failures: unknown[] = [];
  let behind: PrimaryConnection | undefined;
  for (const server of options.servers) {
    try {
      const connection = await connectForWriting(options, server);
      const isBehind = options.servers.length > 1 && seen > 0 && (await readHead(connection)).revision < seen;
      if (!isBehind) {
        behind?.connection.close();
        return { connection, server };
      }
      if (behind === undefined) behind = { connection, server };
      else connection.close();
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
