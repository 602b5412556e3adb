// One connection to a server of the database, on which nothing waits for ever: what takes too long destroys the connection.
import { lookup } from 'node:dns/promises';
import { isIP, Socket } from 'node:net';
import { type ConnectionOptions, checkServerIdentity } from 'node:tls';
import pg from 'pg';
import { databaseError, timeoutError } from './database-error.ts';
import type { PostgresOptions, PostgresServer, PostgresTls } from './options.ts';

/** One row, by column. */
export type Row = Readonly<Record<string, unknown>>;

/** An open connection. */
export interface Connection {
  /** `host:port`, for messages. */
  readonly server: string;
  /** Whether the server takes writes; as of when the connection was opened. */
  readonly writable: boolean;
  /**
   * Runs one statement. Throws what the server says, or that it did not answer in time; in that case the connection is gone and it is
   * not known whether the statement was run.
   */
  query(text: string, values?: readonly unknown[], timeoutMilliseconds?: number): Promise<readonly Row[]>;
  /** Called with the payload of each notification of the channels listened to. */
  onNotification(listener: (payload: string) => void): void;
  /** Called once when the connection ends, however that comes about; at once when it has ended. */
  onEnd(listener: (reason: unknown) => void): void;
  ended(): boolean;
  /** Says goodbye to the server. Never waits. */
  close(): void;
}

/** A statement that is not answered after this is given up, in milliseconds. */
export const queryTimeout = 1_500;

/** Who waits for a lock of another session gives up after this, on the server's side. */
export const lockTimeout = 1_200;

/**
 * Sets what every session needs: limits on the server's side too, and commits that are on the disk when they are answered, even where
 * the database was set up to answer before.
 */
const setUp = `
  select pg_is_in_recovery() or current_setting('transaction_read_only') = 'on' as read_only,
    set_config('statement_timeout', '1500', false), set_config('lock_timeout', '${lockTimeout}', false),
    set_config('idle_in_transaction_session_timeout', '1500', false), set_config('client_min_messages', 'error', false),
    case current_setting('synchronous_commit') when 'off' then set_config('synchronous_commit', 'on', false) end`;

/** Connects to one server. Errors: `unavailable` that names the server and says what is wrong. */
export async function openConnection(options: PostgresOptions, server: PostgresServer): Promise<Connection> {
  const name = server.host.startsWith('/') ? server.host : `${server.host}:${server.port}`;
  const socket = new Socket();
  const timeout = options.connectTimeoutMilliseconds;
  const endListeners = new Set<(reason: unknown) => void>();
  let end: { readonly reason: unknown } | undefined;

  function finish(reason: unknown): void {
    if (end !== undefined) return;
    end = { reason };
    socket.destroy();
    for (const listener of endListeners) listener(reason);
  }

  /** What `work` gives, unless it takes too long: then the connection ends. */
  async function within<Result>(what: string, milliseconds: number, work: Promise<Result>): Promise<Result> {
    let timer: NodeJS.Timeout | undefined;
    const expired = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const error = timeoutError(what, milliseconds);
        reject(error);
        finish(error);
      }, milliseconds);
    });
    try {
      return await Promise.race([work, expired]);
    } finally {
      clearTimeout(timer);
    }
  }

  async function query(
    text: string,
    values: readonly unknown[] = [],
    milliseconds = queryTimeout,
  ): Promise<readonly Row[]> {
    if (end !== undefined) throw end.reason;
    const result = await within(`PostgreSQL at ${name}`, milliseconds, client.query<Row>(text, [...values]));
    return result.rows;
  }

  const client = new pg.Client({
    host: await addressOf(server.host, options.tls),
    port: server.port,
    user: options.user,
    password: options.password,
    database: options.database,
    application_name: 'kuma-cp',
    ssl: options.tls === undefined ? false : tlsOptions(options.tls, server.host),
    stream: () => socket,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
  });
  client.on('error', finish);
  client.on('end', () => finish(new Error('the server closed the connection')));
  try {
    await within('connecting', timeout, client.connect());
    const [row] = await query(setUp, [], timeout);
    return {
      server: name,
      writable: row?.read_only === false,
      query,
      onNotification(listener) {
        client.on('notification', ({ payload }) => listener(payload ?? ''));
      },
      onEnd(listener) {
        endListeners.add(listener);
        if (end !== undefined) listener(end.reason);
      },
      ended: () => end !== undefined,
      close() {
        if (end !== undefined) return;
        // Written to the socket at once, and read by the server whenever it can.
        void client.end().catch(() => undefined);
        setImmediate(() => finish(new Error('the connection was closed')));
      },
    };
  } catch (error) {
    finish(error);
    throw databaseError(`cannot connect to PostgreSQL at ${name}`, error);
  }
}

/** Without a server name in the handshake the connection goes to an address, because the driver names every host that is a name. */
async function addressOf(host: string, tls: PostgresTls | undefined): Promise<string> {
  if (tls === undefined || tls.sendServerName || isIP(host) !== 0) return host;
  return (await lookup(host)).address;
}

function tlsOptions(tls: PostgresTls, host: string): ConnectionOptions {
  return {
    ...(tls.authority === undefined ? {} : { ca: tls.authority }),
    ...(tls.certificate === undefined ? {} : { cert: tls.certificate, key: tls.key }),
    rejectUnauthorized: tls.verify !== 'none',
    checkServerIdentity: (_, certificate) =>
      tls.verify === 'name' ? checkServerIdentity(host, certificate) : undefined,
    minVersion: 'TLSv1.2',
  };
}
