// A PostgreSQL server of one's own for tests: started in a folder of its own, on a free port, writing through to the disk. It can be
// killed, frozen, stopped, and given a standby. Tests ask `postgresMissing` first and say why they are left out.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { loadSettings } from '../src/config/load-settings.ts';
import type { Settings } from '../src/config/settings.ts';
import { openConnection } from '../src/store/postgres/connection.ts';
import { migrateUp } from '../src/store/postgres/migrate.ts';
import { readPostgresOptions } from '../src/store/postgres/options.ts';

type PostgresSettings = Settings['store']['postgres'];

const binaries = findBinaries();

/** Why there is no server here; undefined when there can be one. */
export const postgresMissing: string | undefined =
  binaries === undefined ? 'PostgreSQL is not installed on this machine (apt-get install postgresql)' : undefined;

/** A running server. */
export interface PostgresServer {
  readonly port: number;
  readonly folder: string;
  /** A new database without tables; returns its name. */
  createDatabase(): Promise<string>;
  /** A new database with the tables of the store. */
  createStore(): Promise<string>;
  /** The same database again, with empty tables; faster than a new one. Nothing may be connected to it. */
  emptyStore(database: string): Promise<string>;
  /** Settings that reach a database of this server; `env` adds or replaces `KUMA_STORE_POSTGRES_*`, without that prefix. */
  settings(database: string, env?: Readonly<Record<string, string>>): PostgresSettings;
  /** What `settings` is made of, for processes. */
  env(database: string): Readonly<Record<string, string>>;
  /** Runs a statement as superuser, on a connection of its own. */
  query(database: string, text: string): Promise<readonly Record<string, unknown>[]>;
  /** SIGKILL to every process of the server. */
  kill(): Promise<void>;
  /** Ends it as an administrator would: `fast` ends sessions, `immediate` is a crash. */
  stop(mode: 'fast' | 'immediate'): Promise<void>;
  /** SIGSTOP to every process: connections stay open, nothing answers. */
  freeze(): void;
  thaw(): void;
  /** Starts it again on the same port and data. */
  start(options?: readonly string[]): Promise<void>;
  /** A standby that streams from this server; its name is `standby`. */
  openStandby(): Promise<PostgresServer>;
  /** Makes a standby take writes. */
  promote(): Promise<void>;
  /** Ends it and deletes its data. */
  remove(): Promise<void>;
}

const password = 'kuma';

/** Creates and starts a server. Options are those of the `postgres` command: `-c name=value`. */
export async function openPostgresServer(options: readonly string[] = []): Promise<PostgresServer> {
  const folder = newFolder();
  writeFileSync(join(folder, 'password'), password);
  chmodSync(join(folder, 'password'), 0o644);
  run('initdb', [
    '--no-sync',
    '-D',
    join(folder, 'data'),
    '-U',
    'kuma',
    '-E',
    'UTF8',
    '--locale=C.UTF-8',
    '--auth-local=trust',
    '--auth-host=scram-sha-256',
    `--pwfile=${join(folder, 'password')}`,
  ]);
  return await openServer(folder, options);
}

async function openServer(folder: string, options: readonly string[]): Promise<PostgresServer> {
  const port = await freePort();
  const data = join(folder, 'data');
  let child: ChildProcess | undefined;
  let databases = 0;
  const endWithTests = (): void => signalAll('SIGKILL');
  process.once('exit', endWithTests);

  function processes(): readonly number[] {
    return child?.pid === undefined || child.exitCode !== null || child.signalCode !== null ? [] : familyOf(child.pid);
  }

  function signalAll(signal: NodeJS.Signals): void {
    for (const pid of processes()) {
      try {
        process.kill(pid, signal);
      } catch {
        // It has ended by itself.
      }
    }
  }

  async function start(extra: readonly string[] = options): Promise<void> {
    const [command, args] = commandOf('postgres', [
      '-D',
      data,
      '-p',
      String(port),
      '-k',
      folder,
      '-c',
      'listen_addresses=127.0.0.1',
      '-c',
      'shared_buffers=32MB',
      '-c',
      'max_connections=60',
      ...extra,
    ]);
    const log = join(folder, 'log');
    child = spawn('/bin/sh', ['-c', `exec "$0" "$@" >>'${log}' 2>&1`, command, ...args], { stdio: 'ignore' });
    for (let tries = 0; ; tries += 1) {
      if (await answers()) return;
      if (child.exitCode !== null || tries > 300)
        throw new Error(`PostgreSQL did not start:\n${readFileSync(log, 'utf8')}`);
      await sleep(50);
    }
  }

  async function answers(): Promise<boolean> {
    try {
      await query('postgres', 'select 1');
      return true;
    } catch {
      return false;
    }
  }

  async function query(database: string, text: string): Promise<readonly Record<string, unknown>[]> {
    const client = new pg.Client({ host: folder, port, user: 'kuma', database });
    client.on('error', () => undefined);
    await client.connect();
    try {
      const result = await client.query(text);
      return Array.isArray(result) ? [] : result.rows;
    } finally {
      await client.end();
    }
  }

  async function end(act: () => void): Promise<void> {
    const ending = child;
    if (ending === undefined || ending.exitCode !== null || ending.signalCode !== null) return;
    const ended = once(ending, 'exit');
    act();
    await ended;
  }

  async function createDatabase(): Promise<string> {
    databases += 1;
    const name = `test_${databases}`;
    await query('postgres', `create database ${name}`);
    return name;
  }

  const env = (database: string): Readonly<Record<string, string>> => ({
    KUMA_STORE_TYPE: 'postgres',
    KUMA_STORE_POSTGRES_HOST: '127.0.0.1',
    KUMA_STORE_POSTGRES_PORT: String(port),
    KUMA_STORE_POSTGRES_USER: 'kuma',
    KUMA_STORE_POSTGRES_PASSWORD: password,
    KUMA_STORE_POSTGRES_DB_NAME: database,
  });

  function settings(database: string, extra: Readonly<Record<string, string>> = {}): PostgresSettings {
    const named = Object.entries(extra).map(([name, value]) => [`KUMA_STORE_POSTGRES_${name}`, value]);
    return loadSettings({ env: { ...env(database), ...Object.fromEntries(named) } }).settings.store.postgres;
  }

  async function migrate(database: string): Promise<string> {
    const target = await readPostgresOptions(settings(database));
    const connection = await openConnection(target, { host: '127.0.0.1', port });
    await migrateUp(connection);
    connection.close();
    return database;
  }

  await start();
  return {
    port,
    folder,
    createDatabase,
    createStore: async () => await migrate(await createDatabase()),
    async emptyStore(database) {
      await query(database, 'drop schema ursa cascade');
      return await migrate(database);
    },
    settings,
    env,
    query,
    kill: () => end(() => signalAll('SIGKILL')),
    stop: (mode) => end(() => child?.kill(mode === 'fast' ? 'SIGINT' : 'SIGQUIT')),
    freeze: () => signalAll('SIGSTOP'),
    thaw: () => signalAll('SIGCONT'),
    start,
    async openStandby() {
      const copy = newFolder();
      run('pg_basebackup', [
        '-h',
        folder,
        '-p',
        String(port),
        '-U',
        'kuma',
        '-D',
        join(copy, 'data'),
        '-X',
        'stream',
        '-c',
        'fast',
      ]);
      const source = `host=${folder} port=${port} user=kuma application_name=standby`;
      writeFileSync(join(copy, 'data', 'postgresql.auto.conf'), `primary_conninfo = '${source}'\nhot_standby = on\n`);
      writeFileSync(join(copy, 'data', 'standby.signal'), '');
      return await openServer(copy, []);
    },
    async promote() {
      await query('postgres', 'select pg_promote()');
    },
    async remove() {
      process.removeListener('exit', endWithTests);
      signalAll('SIGCONT');
      await end(() => signalAll('SIGKILL'));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function findBinaries(): string | undefined {
  const root = '/usr/lib/postgresql';
  const versions = existsSync(root) ? readdirSync(root).toSorted((left, right) => Number(right) - Number(left)) : [];
  const folders = [...versions.map((version) => join(root, version, 'bin')), ...(process.env.PATH ?? '').split(':')];
  return folders.find((folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')));
}

/** The server refuses to run as root, so root runs it as the user `postgres`. It ends when the tests end, however they do. */
function commandOf(name: string, args: readonly string[]): [string, readonly string[]] {
  const program = join(binaries ?? '', name);
  if (process.getuid?.() !== 0) return [program, args];
  return ['setpriv', ['--reuid=postgres', '--regid=postgres', '--clear-groups', '--pdeathsig=QUIT', program, ...args]];
}

function run(name: string, args: readonly string[]): void {
  const [command, all] = commandOf(name, args);
  const { status, stderr, error } = spawnSync(command, all, { encoding: 'utf8', cwd: '/' });
  if (status !== 0) throw new Error(`${name} failed: ${stderr ?? error}`);
}

/** A folder that the server's user owns, in one that everybody may enter. */
function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ursa-postgres-'));
  if (process.getuid?.() === 0) spawnSync('chown', ['postgres:postgres', folder]);
  chmodSync(folder, 0o755);
  return folder;
}

function familyOf(parent: number): readonly number[] {
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => parentOf(pid) === parent);
  return [parent, ...children];
}

function parentOf(pid: number): number | undefined {
  try {
    return Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  } catch {
    return undefined;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  return address.port;
}
