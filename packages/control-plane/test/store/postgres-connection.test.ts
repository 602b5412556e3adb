// How the database is reached: TLS with real certificates, the pool's limits, and the read replica.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { MeshError } from '@ursa/resources';
import { openLog } from '../../src/log.ts';
import { readPostgresOptions } from '../../src/store/postgres/options.ts';
import { openPool } from '../../src/store/postgres/pool.ts';
import { opened, openedConnection, openedStore } from '../opened.ts';
import { openPostgresServer, postgresMissing } from '../postgres-server.ts';
import { follow, put } from '../store-contract.ts';

const log = openLog('off', { write: () => undefined }).component('store');

async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await condition()); tries += 1) {
    assert.ok(tries < 600, what);
    await sleep(20);
  }
}

/** An authority, a server certificate for `db.test` and the addresses named, and a client certificate for the user `kuma`. */
function makeCertificates(folder: string): void {
  const openssl = (...args: readonly string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  for (const name of ['authority', 'stranger']) {
    openssl(
      'req',
      '-x509',
      ...key,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.crt`,
      '-days',
      '2',
      '-subj',
      `/CN=${name}`,
    );
  }
  for (const [name, subject] of [
    ['server', '/CN=db.test'],
    ['client', '/CN=kuma'],
  ] as const) {
    writeFileSync(join(folder, `${name}.ext`), name === 'server' ? 'subjectAltName=DNS:db.test,DNS:localhost\n' : '');
    openssl('req', ...key, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', subject);
    const signed = ['-CA', 'authority.crt', '-CAkey', 'authority.key', '-CAcreateserial', '-days', '2'];
    openssl('x509', '-req', '-in', `${name}.csr`, '-out', `${name}.crt`, ...signed, '-extfile', `${name}.ext`);
  }
  chmodSync(join(folder, 'server.key'), 0o600);
  if (process.getuid?.() === 0) execFileSync('chown', ['postgres', join(folder, 'server.key')]);
  chmodSync(folder, 0o755);
}

const refused =
  (...words: readonly string[]) =>
  (error: unknown) => {
    assert.ok(error instanceof MeshError, String(error));
    for (const word of words) assert.ok(error.message.includes(word), `${error.message} lacks ${word}`);
    return true;
  };

if (postgresMissing === undefined) {
  const folder = mkdtempSync(join(tmpdir(), 'ursa-tls-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  makeCertificates(folder);
  const file = (name: string): string => join(folder, name);
  const server = await openPostgresServer();
  after(() => server.remove());

  test('TLS: each mode asks of the server what it says', async () => {
    const secured = await openPostgresServer([
      ...['-c', 'ssl=on', '-c', `ssl_cert_file=${file('server.crt')}`, '-c', `ssl_key_file=${file('server.key')}`],
      ...['-c', `ssl_ca_file=${file('authority.crt')}`],
    ]);
    after(() => secured.remove());
    const database = await secured.createStore();
    const rules = ['local all all trust', 'hostssl certified all all cert', 'hostssl all all all scram-sha-256'];
    writeFileSync(join(secured.folder, 'data', 'pg_hba.conf'), `${rules.join('\n')}\n`);
    await secured.query('postgres', 'select pg_reload_conf()');
    await secured.query('postgres', `create database certified template ${database}`);
    const connect = async (env: Readonly<Record<string, string>>, name = database) => {
      const options = await readPostgresOptions(secured.settings(name, env));
      const [target] = options.servers;
      assert.ok(target !== undefined);
      const connection = await openedConnection(options, target);
      const [row] = await connection.query('select ssl from pg_stat_ssl where pid = pg_backend_pid()');
      connection.close();
      return row?.ssl;
    };
    const authority = { TLS_ROOT_CERT_PATH: file('authority.crt') };
    const stranger = { TLS_ROOT_CERT_PATH: file('stranger.crt') };
    const client = { TLS_CERT_PATH: file('client.crt'), TLS_KEY_PATH: file('client.key') };

    await assert.rejects(connect({ TLS_MODE: 'disable' }), refused('no encryption'));
    assert.equal(await connect({ TLS_MODE: 'verifyNone' }), true);
    assert.equal(await connect({ TLS_MODE: 'verifyCa', ...authority }), true);
    await assert.rejects(connect({ TLS_MODE: 'verifyCa', ...stranger }), refused('KUMA_STORE_POSTGRES_TLS_'));
    // The certificate is not for the address.
    await assert.rejects(
      connect({ TLS_MODE: 'verifyFull', ...authority }),
      refused('127.0.0.1', 'KUMA_STORE_POSTGRES_TLS_'),
    );
    for (const DISABLE_SSLSNI of ['false', 'true']) {
      const named = { TLS_MODE: 'verifyFull', HOST: 'localhost', TLS_DISABLE_SSLSNI: DISABLE_SSLSNI };
      assert.equal(await connect({ ...named, ...authority }), true);
      await assert.rejects(connect({ ...named, ...stranger }), refused('KUMA_STORE_POSTGRES_TLS_'));
    }
    assert.equal(await connect({ TLS_MODE: 'verifyCa', ...authority, ...client }, 'certified'), true);
    await assert.rejects(connect({ TLS_MODE: 'verifyCa', ...authority }, 'certified'), refused('certificate'));
    // And the store as a whole.
    const store = await openedStore(secured.settings(database, { TLS_MODE: 'verifyCa', ...authority }), { log });
    assert.equal((await store.write([put('a', 1)])).revision, 1);
    await store.close();
  });

  test('TLS is asked of a server that has none: refused at once, with what to do', async () => {
    const database = await server.createStore();
    const open = openedStore(server.settings(database, { TLS_MODE: 'verifyNone' }), { log });
    await assert.rejects(open, refused('does not support SSL', 'KUMA_STORE_POSTGRES_TLS_'));
  });

  test('TLS settings that make no sense are refused by their names', async () => {
    const read = (env: Readonly<Record<string, string>>) => readPostgresOptions(server.settings('any', env));
    await assert.rejects(read({ TLS_MODE: 'verifyFull' }), refused('KUMA_STORE_POSTGRES_TLS_ROOT_CERT_PATH'));
    await assert.rejects(read({ TLS_MODE: 'verifyNone', TLS_KEY_PATH: '/x' }), refused('certPath'));
    await assert.rejects(read({ TLS_MODE: 'verifyCa', TLS_ROOT_CERT_PATH: '/nowhere' }), refused('/nowhere'));
    await assert.rejects(read({ HOST: 'a,,b' }), refused('KUMA_STORE_POSTGRES_HOST'));
  });

  test('hosts with and without a port, addresses of both kinds, sockets', async () => {
    const { servers } = await readPostgresOptions(
      server.settings('any', { HOST: 'a, b:1,[::1]:2,::1,/run/pg', PORT: '9' }),
    );
    assert.deepEqual(
      servers.map(({ host, port }) => `${host} ${port}`),
      ['a 9', 'b 1', '::1 2', '::1 9', '/run/pg 9'],
    );
  });

  test('the pool keeps to its limits: open, idle, unused, old', async () => {
    const database = await server.createDatabase();
    const options = await readPostgresOptions(server.settings(database));
    const [target] = options.servers;
    assert.ok(target !== undefined);
    const limits = {
      maxOpen: 2,
      maxIdle: 1,
      minOpen: 0,
      idleTime: 0,
      lifetime: 0,
      lifetimeJitter: 0,
      checkInterval: 0,
    };
    const openLimited = (changes: Partial<typeof limits>) =>
      opened(openPool({ ...limits, ...changes, connect: () => openedConnection(options, target) }));

    const pool = openLimited({});
    let most = 0;
    const pids = await Promise.all(
      Array.from({ length: 6 }, () =>
        pool.use(async (connection) => {
          most = Math.max(most, pool.open());
          const [row] = await connection.query('select pg_backend_pid() as pid, pg_sleep(0.02)');
          return row?.pid;
        }),
      ),
    );
    assert.equal(most, 2);
    assert.ok(new Set(pids).size >= 2);
    assert.equal(pool.open(), 1);
    await assert.rejects(pool.use((connection) => connection.query('select nothing')));
    assert.equal(pool.open(), 0, 'a connection that failed is not used again');
    pool.close();

    const kept = openLimited({ minOpen: 2, checkInterval: 50 });
    await until('two connections are kept open', () => kept.open() === 2);
    await server.query(
      'postgres',
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${database}'`,
    );
    await until('dead ones are replaced', () => kept.open() === 2);
    kept.close();

    const old = openLimited({ lifetime: 60, idleTime: 60_000, checkInterval: 20 });
    const pid = () => old.use(async (connection) => (await connection.query('select pg_backend_pid() as pid'))[0]?.pid);
    const first = await pid();
    await until('an old one is closed', () => old.open() === 0);
    assert.notEqual(await pid(), first);
    old.close();
  });

  test('a read replica gets its share of the reads, and is passed over when it lags or is gone', async () => {
    const database = await server.createStore();
    const replica = await server.openStandby();
    after(() => replica.remove());
    const env = { READ_REPLICA_HOST: '127.0.0.1', READ_REPLICA_PORT: String(replica.port), READ_REPLICA_RATIO: '100' };
    const writer = await openedStore(server.settings(database), { log });
    await writer.write([put('a', 1)]);
    const caughtUp = async () => (await replica.query(database, 'select revision from ursa.head'))[0]?.revision === '1';
    await until('the replica has it', caughtUp);

    const reader = await openedStore(server.settings(database, env), { log });
    const { changes } = follow(reader);
    const sessions = await replica.query(
      'postgres',
      `select query from pg_stat_activity where datname = '${database}'`,
    );
    assert.ok(sessions.length > 0, 'the replica was read');

    // It lags: what it has not got comes from the primary.
    await replica.query('postgres', 'select pg_wal_replay_pause()');
    await writer.write([put('a', 2)]);
    await until('the change is seen though the replica lags', () => reader.revision() === 2);
    await replica.query('postgres', 'select pg_wal_replay_resume()');
    await replica.stop('immediate');
    await writer.write([put('a', 3)]);
    await until('the change is seen though the replica is gone', () => reader.revision() === 3);
    assert.deepEqual(reader.health(), { ok: true });
    assert.deepEqual(
      changes.map(({ revision }) => revision),
      [1, 2, 3],
    );
    const late = await openedStore(server.settings(database, env), { log });
    assert.equal(late.revision(), 3);
    await Promise.all([writer, reader, late].map((store) => store.close()));
  });
} else {
  test('connections to PostgreSQL', { skip: postgresMissing });
}
