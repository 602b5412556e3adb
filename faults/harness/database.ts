// A PostgreSQL server for a world, reached over a wire that can misbehave, and control planes over it.
import { join } from 'node:path';
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

/** Starts a database with the tables of the store. Options are those of `postgres`. */
export async function openDatabase(context: FaultContext, options: readonly string[] = []): Promise<Database> {
  mustRun('ip', ['addr', 'add', `${databaseAddress}/24`, 'dev', 'mesh0']);
  const server = await openPostgresServer(options);
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
  return { server, wire, name, environment };
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
