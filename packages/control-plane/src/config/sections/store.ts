// Settings of the store.
import { choice, duration, flag, list, port, text, whole } from '../setting.ts';

const cached = { noEffect: 'All reads are served from memory that the store keeps current.' };
const retried = {
  noEffect:
    'A write that lost a race is decided anew at once, and the second time it holds the others back: it never waits, and never gives up.',
};

/** `store` */
export const storeSettings = {
  type: choice(
    'KUMA_STORE_TYPE',
    'embedded',
    ['embedded', 'memory', 'postgres', 'kubernetes'],
    'Where resources are kept: `embedded` (a durable file in the work directory), `postgres` (a database, for several control planes) or `memory` (lost at the end). `kubernetes` is refused until it exists.',
  ),
  kubernetes: {
    systemNamespace: text('KUMA_STORE_KUBERNETES_SYSTEM_NAMESPACE', 'kuma-system', 'Namespace of the control plane.', {
      noEffect: 'Kubernetes does not exist yet.',
    }),
  },
  postgres: {
    host: text(
      'KUMA_STORE_POSTGRES_HOST',
      '127.0.0.1',
      'Host of the database, or folder of its Unix socket. Several with commas between, each with its own `:port` if it has one: the first that takes writes is used.',
    ),
    port: port('KUMA_STORE_POSTGRES_PORT', 15432, 'Port of the database.'),
    user: text('KUMA_STORE_POSTGRES_USER', 'kuma', 'User of the database.', { secret: true }),
    password: text('KUMA_STORE_POSTGRES_PASSWORD', 'kuma', 'Password of the user.', { secret: true }),
    dbName: text('KUMA_STORE_POSTGRES_DB_NAME', 'kuma', 'Name of the database.'),
    driverName: choice('KUMA_STORE_POSTGRES_DRIVER_NAME', 'pgx', ['pgx', 'postgres'], 'Driver of the peer.', {
      noEffect: 'There is only one driver here.',
    }),
    connectionTimeout: whole('KUMA_STORE_POSTGRES_CONNECTION_TIMEOUT', 5, 'Seconds to wait for a connection.'),
    maxConnectionIdleTime: duration(
      'KUMA_STORE_POSTGRES_MAX_CONNECTION_IDLE_TIME',
      '30m',
      'A connection that was not used for this long is closed; 0: never.',
    ),
    maxConnectionLifetime: duration(
      'KUMA_STORE_POSTGRES_MAX_CONNECTION_LIFETIME',
      '1h',
      'A connection is replaced after this; 0: never.',
    ),
    maxConnectionLifetimeJitter: duration(
      'KUMA_STORE_POSTGRES_MAX_CONNECTION_LIFETIME_JITTER',
      '1m',
      'Up to this much is added to the lifetime, at random.',
    ),
    healthCheckInterval: duration(
      'KUMA_STORE_POSTGRES_HEALTH_CHECK_INTERVAL',
      '30s',
      'How often idle connections are tried; 0: never.',
    ),
    minOpenConnections: whole('KUMA_STORE_POSTGRES_MIN_OPEN_CONNECTIONS', 0, 'Connections kept open at least.'),
    maxOpenConnections: whole('KUMA_STORE_POSTGRES_MAX_OPEN_CONNECTIONS', 50, 'Connections open at most; 0: no limit.'),
    maxIdleConnections: whole(
      'KUMA_STORE_POSTGRES_MAX_IDLE_CONNECTIONS',
      50,
      'Idle connections kept at most; below 1: none.',
      {
        min: -1,
      },
    ),
    maxListQueryElements: whole(
      'KUMA_STORE_POSTGRES_MAX_LIST_QUERY_ELEMENTS',
      0,
      'Changed elements from which on a whole list is read again.',
      { noEffect: 'Lists are served from memory, changes are read from a log.' },
    ),
    tls: {
      mode: choice(
        'KUMA_STORE_POSTGRES_TLS_MODE',
        'disable',
        ['disable', 'verifyNone', 'verifyCa', 'verifyFull'],
        'How the server is verified: not at all and without TLS, not at all, by its authority, or by its authority and name.',
      ),
      certPath: text('KUMA_STORE_POSTGRES_TLS_CERT_PATH', '', 'Client certificate.'),
      keyPath: text('KUMA_STORE_POSTGRES_TLS_KEY_PATH', '', 'Key of the client certificate.'),
      caPath: text(
        'KUMA_STORE_POSTGRES_TLS_ROOT_CERT_PATH',
        '',
        'Certificate authority of the server; needed for verifyCa and verifyFull.',
      ),
      disableSSLSNI: flag('KUMA_STORE_POSTGRES_TLS_DISABLE_SSLSNI', false, 'Send no server name in the TLS handshake.'),
    },
    readReplica: {
      host: text(
        'KUMA_STORE_POSTGRES_READ_REPLICA_HOST',
        '',
        'Host of a read replica; empty: none. Several with commas between.',
      ),
      port: port('KUMA_STORE_POSTGRES_READ_REPLICA_PORT', 5432, 'Port of the read replica.'),
      ratio: whole(
        'KUMA_STORE_POSTGRES_READ_REPLICA_RATIO',
        100,
        'Percentage of reads of the log and of the first load that go to the replica.',
        {
          max: 100,
        },
      ),
    },
    tolerateNewerDbVersions: flag(
      'KUMA_STORE_POSTGRES_TOLERATE_NEWER_DB_VERSIONS',
      false,
      'Start on a database that a newer version has migrated.',
    ),
  },
  cache: {
    enabled: flag('KUMA_STORE_CACHE_ENABLED', true, 'Cache of the peer in front of its store.', cached),
    expirationTime: duration(
      'KUMA_STORE_CACHE_EXPIRATION_TIME',
      '1s',
      'Age at which the peer drops a cached answer.',
      cached,
    ),
  },
  upsert: {
    conflictRetryBaseBackoff: duration(
      'KUMA_STORE_UPSERT_CONFLICT_RETRY_BASE_BACKOFF',
      '200ms',
      'First wait before a lost race is repeated.',
      retried,
    ),
    conflictRetryMaxTimes: whole(
      'KUMA_STORE_UPSERT_CONFLICT_RETRY_MAX_TIMES',
      10,
      'How often a lost race is repeated.',
      retried,
    ),
    conflictRetryJitterPercent: whole(
      'KUMA_STORE_UPSERT_CONFLICT_RETRY_JITTER_PERCENT',
      30,
      'Random part of the wait, in percent.',
      retried,
    ),
  },
  encryption: {
    keyFile: text(
      'KUMA_STORE_ENCRYPTION_KEY_FILE',
      '',
      'File with keys of 32 bytes in base64, one a line, that secrets are sealed with in the store: the first for what is written, all for what is read. Empty: secrets are stored as they are.',
    ),
    keyCommand: list(
      'KUMA_STORE_ENCRYPTION_KEY_COMMAND',
      [],
      'Program and its arguments that print such keys, from a KMS for example, instead of a file.',
    ),
  },
  unsafeDelete: flag(
    'KUMA_STORE_UNSAFE_DELETE',
    false,
    'Allow deleting a Mesh that still has Dataplanes; they go with it.',
  ),
};
