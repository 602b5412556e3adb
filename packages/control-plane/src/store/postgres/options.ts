// How to reach the database, read from the settings once: servers in the order of preference, the user, TLS with its files.
import { readFile } from 'node:fs/promises';
import { MeshError } from '@ursa/resources';
import type { Settings } from '../../config/settings.ts';

/** One server of the database; a host that begins with `/` is the folder of a Unix socket. */
export interface PostgresServer {
  readonly host: string;
  readonly port: number;
}

/** How the server proves itself, and this program to it. */
export interface PostgresTls {
  /** Which part of the server's certificate must fit. */
  readonly verify: 'none' | 'authority' | 'name';
  readonly authority: string | undefined;
  readonly certificate: string | undefined;
  readonly key: string | undefined;
  /** Whether the host is named in the handshake (SNI). */
  readonly sendServerName: boolean;
}

/** What a connection needs to know. */
export interface PostgresOptions {
  /** Tried in this order; the first that takes writes is used. */
  readonly servers: readonly PostgresServer[];
  readonly user: string;
  readonly password: string;
  readonly database: string;
  /** undefined: no TLS. */
  readonly tls: PostgresTls | undefined;
  readonly connectTimeoutMilliseconds: number;
}

type PostgresSettings = Settings['store']['postgres'];

/** The options of the settings. Errors: `invalid` for a host list or TLS settings that make no sense, or a file that cannot be read. */
export async function readPostgresOptions(settings: PostgresSettings): Promise<PostgresOptions> {
  return {
    servers: parseServers('store.postgres.host (KUMA_STORE_POSTGRES_HOST)', settings.host, settings.port),
    user: settings.user,
    password: settings.password,
    database: settings.dbName,
    tls: await readTls(settings.tls),
    connectTimeoutMilliseconds: settings.connectionTimeout * 1000,
  };
}

/** The same database through its read replica; undefined when the settings name none, or send no reads there. */
export function replicaOptions(options: PostgresOptions, settings: PostgresSettings): PostgresOptions | undefined {
  const { host, port, ratio } = settings.readReplica;
  if (host === '' || ratio === 0) return undefined;
  const name = 'store.postgres.readReplica.host (KUMA_STORE_POSTGRES_READ_REPLICA_HOST)';
  return { ...options, servers: parseServers(name, host, port) };
}

/** `db1,db2:5433,[::1]:5432`: hosts with an optional port each. */
function parseServers(setting: string, text: string, port: number): readonly PostgresServer[] {
  return text.split(',').map((part) => {
    const item = part.trim();
    const found = /^(?:\[(?<bracketed>[^\]]+)\]|(?<host>[^:]+|[^:]*:[^:]*:.*?))(?::(?<port>\d{1,5}))?$/.exec(
      item,
    )?.groups;
    const host = item.startsWith('/') ? item : (found?.bracketed ?? found?.host);
    if (host === undefined) {
      throw new MeshError(
        'invalid',
        `${setting}: ${JSON.stringify(item)} is no host: expected a name or an address, with a port if it has its own, several separated by commas (db1,db2:5433)`,
      );
    }
    return { host, port: item.startsWith('/') || found?.port === undefined ? port : Number(found.port) };
  });
}

async function readTls(settings: PostgresSettings['tls']): Promise<PostgresTls | undefined> {
  const { mode, certPath, keyPath, caPath } = settings;
  if (mode === 'disable') return undefined;
  if (mode !== 'verifyNone' && caPath === '') {
    throw new MeshError(
      'invalid',
      `store.postgres.tls.caPath (KUMA_STORE_POSTGRES_TLS_ROOT_CERT_PATH): mode ${mode} needs the certificate authority of the server: name its file`,
    );
  }
  if ((certPath === '') !== (keyPath === '')) {
    const [missing, given] = certPath === '' ? ['certPath', 'keyPath'] : ['keyPath', 'certPath'];
    throw new MeshError(
      'invalid',
      `store.postgres.tls.${missing}: ${given} is set, so this one is needed too: set both or none`,
    );
  }
  return {
    verify: mode === 'verifyNone' ? 'none' : mode === 'verifyCa' ? 'authority' : 'name',
    authority: await readSetting('caPath (KUMA_STORE_POSTGRES_TLS_ROOT_CERT_PATH)', caPath),
    certificate: await readSetting('certPath (KUMA_STORE_POSTGRES_TLS_CERT_PATH)', certPath),
    key: await readSetting('keyPath (KUMA_STORE_POSTGRES_TLS_KEY_PATH)', keyPath),
    sendServerName: !settings.disableSSLSNI,
  };
}

async function readSetting(name: string, path: string): Promise<string | undefined> {
  if (path === '') return undefined;
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : String(cause);
    throw new MeshError('invalid', `store.postgres.tls.${name}: cannot read ${path}: ${text}`, { cause });
  }
}
