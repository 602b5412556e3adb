// A PostgreSQL server for a world, reached over a wire that can misbehave, and control planes over it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { startProcess } from '../../examples/demo/child-process.ts';
import {
  openPostgresServer,
  type PostgresServer,
  postgresMissing,
} from '../../packages/control-plane/test/postgres-server.ts';
import { type ControlPlaneHost, controlPlaneOn } from './control-plane.ts';
import type { FaultContext } from './fault.ts';
import { addHost, mustRun } from './hosts.ts';
import { openTcpProxy, type TcpProxy } from './tcp-proxy.ts';

/** Why there can be no database here; undefined when there can. */
export const databaseMissing = (): string | undefined => postgresMissing;

/** Where control planes find the database: another address than that of this process, so that it can be cut off alone. */
export const databaseAddress = '10.99.0.2';

/** A database and the way to it. */
export interface Database {
  readonly server: PostgresServer;
  readonly wire: TcpProxy;
  readonly name: string;
  /** Settings of a control plane that uses it. */
  readonly environment: Readonly<Record<string, string>>;
}

interface Opened {
  readonly server: PostgresServer;
  readonly name: string;
  /** Of this process, in which the wire is: while it stands still, the database does not answer. */
  readonly delay: ReturnType<typeof monitorEventLoopDelay>;
}

const opened: Opened[] = [];
// What took long, and what waited for what, is in the log when somebody asks for it afterwards.
const told = ['log_min_duration_statement=500', 'log_lock_waits=on', 'log_connections=on', 'log_line_prefix=%m [%p] '];

/** Starts a database with the tables of the store. Options are those of `postgres`. */
export async function openDatabase(context: FaultContext, options: readonly string[] = []): Promise<Database> {
  mustRun('ip', ['addr', 'add', `${databaseAddress}/24`, 'dev', 'mesh0']);
  const server = await openPostgresServer([...told.flatMap((setting) => ['-c', setting]), ...options]);
  const wire = await openTcpProxy(databaseAddress, '127.0.0.1', server.port);
  const name = await server.createDatabase();
  const environment = {
    ...server.env(name),
    KUMA_STORE_POSTGRES_HOST: databaseAddress,
    KUMA_STORE_POSTGRES_PORT: String(wire.port),
  };
  // Not waited for in one piece: the way to the database is in this process.
  const migration = startProcess({
    name: 'kuma-cp migrate',
    command: context.programs.controlPlane,
    args: ['migrate', 'up'],
    environment: { KUMA_GENERAL_WORK_DIR: context.folder, ...environment },
  });
  const { code } = await migration.exited;
  if (code !== 0) throw new Error(`kuma-cp migrate up failed: ${migration.output()}`);
  const delay = monitorEventLoopDelay({ resolution: 50 });
  delay.enable();
  opened.push({ server, name, delay });
  return { server, wire, name, environment };
}

/** What the databases of this world say of themselves, for a run that failed: what they wait for, and their newest lines. */
export async function describeDatabases(): Promise<string> {
  const each = opened.map(async ({ server, name, delay }) => {
    const ask = (text: string): Promise<unknown> => Promise.race([server.query(name, text), noAnswer()]).catch(String);
    const sessions = await ask(
      `select pid, state, wait_event_type, wait_event, now() - query_start as since, left(query, 80) as query
         from pg_stat_activity where backend_type <> 'client backend' or pid <> pg_backend_pid()`,
    );
    const locks = await ask('select pid, locktype, mode, relation::regclass from pg_locks where not granted');
    const log = readFileSync(join(server.folder, 'log'), 'utf8').trimEnd().split('\n').slice(-60);
    return [
      `the wire stood still for ${Math.round(delay.max / 1e6)} ms at most`,
      `sessions: ${JSON.stringify(sessions)}`,
      `waiting for locks: ${JSON.stringify(locks)}`,
      ...['cpu', 'io', 'memory'].map((what) => `pressure ${what}: ${readPressure(what)}`),
      ...log,
    ].join('\n');
  });
  return (await Promise.all(each)).join('\n\n');
}

async function noAnswer(): Promise<string> {
  const patience = 5000;
  await sleep(patience);
  return `no answer in ${patience} ms, on its own socket`;
}

function readPressure(what: string): string {
  try {
    return readFileSync(`/proc/pressure/${what}`, 'utf8').trim().replaceAll('\n', '; ');
  } catch {
    return 'the kernel does not tell';
  }
}

/** A control plane over the database, on a host of its own; not started yet. */
export function controlPlaneOver(
  { programs, folder }: FaultContext,
  database: Pick<Database, 'environment'>,
  name: string,
  environment: Readonly<Record<string, string>> = {},
): ControlPlaneHost {
  return controlPlaneOn({
    host: addHost(name),
    command: programs.controlPlane,
    folder: join(folder, name),
    environment: { ...database.environment, ...environment },
  });
}
