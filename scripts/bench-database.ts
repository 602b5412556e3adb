// The bench's shapes with a database: a PostgreSQL server of their own, and a second control plane over it that gets the writes, so that every
// change travels through the database to the control plane that has the proxies.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { openPostgresServer, postgresMissing } from '../packages/control-plane/test/postgres-server.ts';
import { run } from './process.ts';

/** A database, and the control plane beside the measured one. */
export interface BenchDatabase {
  /** Settings of a control plane over the database, as environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Starts the second control plane; gives the address of its API. */
  openSecond(): Promise<string>;
  close(): Promise<void>;
}

/** Port at which the second control plane takes proxies. */
export const secondDpServer = 15678;

const second = { api: 15681, dpServer: secondDpServer, diagnostics: 15680, interCp: 15683 } as const;

/** Starts a database with the tables of the store. Errors: when PostgreSQL is not installed. */
export async function openBenchDatabase(executable: string, folder: string): Promise<BenchDatabase> {
  if (postgresMissing !== undefined) throw new Error(postgresMissing);
  const server = await openPostgresServer();
  const env = {
    KUMA_STORE_TYPE: 'postgres',
    // The tool knows one control plane: a proxy that is sent away would not come back.
    KUMA_INTER_CP_BALANCE_PROXIES: 'false',
    ...server.env(await server.createDatabase()),
  };
  if (run(executable, ['migrate', 'up'], { env: { ...process.env, ...env } }) !== 0) {
    await server.remove();
    throw new Error('kuma-cp migrate up failed');
  }
  let other: ReturnType<typeof spawn> | undefined;
  return {
    env,
    async openSecond() {
      const ports = {
        KUMA_API_SERVER_HTTP_PORT: String(second.api),
        KUMA_API_SERVER_HTTPS_PORT: String(second.api + 1),
        KUMA_DP_SERVER_PORT: String(second.dpServer),
        KUMA_DIAGNOSTICS_SERVER_PORT: String(second.diagnostics),
        KUMA_INTER_CP_SERVER_PORT: String(second.interCp),
        KUMA_GENERAL_WORK_DIR: join(folder, 'second'),
      };
      other = spawn(executable, ['run', '--log-output-path', join(folder, 'second.log')], {
        env: { ...process.env, ...env, ...ports },
        stdio: ['ignore', 'inherit', 'inherit'],
      });
      return `http://127.0.0.1:${second.api}`;
    },
    async close() {
      if (other !== undefined && other.exitCode === null && other.signalCode === null) {
        const ended = new Promise((resolve) => other?.once('exit', resolve));
        other.kill('SIGTERM');
        await ended;
      }
      await server.remove();
    },
  };
}
