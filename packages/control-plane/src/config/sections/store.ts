// Settings of the store.
import { choice, duration, flag, port, text, whole } from '../setting.ts';

const postgres = { noEffect: 'The PostgreSQL store does not exist yet.' };
const cached = { noEffect: 'All reads are served from memory that the store keeps current.' };
const retried = { noEffect: 'Writes do not collide inside one control plane.' };

/** `store` */
export const storeSettings = {
  type: choice(
    'KUMA_STORE_TYPE',
    'embedded',
    ['embedded', 'memory', 'postgres', 'kubernetes'],
    'Where resources are kept: `embedded` (a durable file in the work directory) or `memory` (lost at the end). `postgres` and `kubernetes` are refused until they exist.',
  ),
  kubernetes: {
    systemNamespace: text('KUMA_STORE_KUBERNETES_SYSTEM_NAMESPACE', 'kuma-system', 'Namespace of the control plane.', {
      noEffect: 'Kubernetes does not exist yet.',
    }),
  },
  postgres: {
    host: text('KUMA_STORE_POSTGRES_HOST', '127.0.0.1', 'Host of the database.', postgres),
    port: port('KUMA_STORE_POSTGRES_PORT', 15432, 'Port of the database.', postgres),
    user: text('KUMA_STORE_POSTGRES_USER', 'kuma', 'User of the database.', { ...postgres, secret: true }),
    password: text('KUMA_STORE_POSTGRES_PASSWORD', 'kuma', 'Password of the user.', { ...postgres, secret: true }),
    dbName: text('KUMA_STORE_POSTGRES_DB_NAME', 'kuma', 'Name of the database.', postgres),
    driverName: choice(
      'KUMA_STORE_POSTGRES_DRIVER_NAME',
      'pgx',
      ['pgx', 'postgres'],
      'Driver of the peer; there is only one here.',
      postgres,
    ),
    connectionTimeout: whole(
      'KUMA_STORE_POSTGRES_CONNECTION_TIMEOUT',
      5,
      'Seconds to wait for a connection.',
      postgres,
    ),
    maxConnectionIdleTime: duration(
      'KUMA_STORE_POSTGRES_MAX_CONNECTION_IDLE_TIME',
      '30m',
      'An idle connection is closed after this.',
      postgres,
    ),
    maxConnectionLifetime: duration(
      'KUMA_STORE_POSTGRES_MAX_CONNECTION_LIFETIME',
      '1h',
      'A connection is closed after this.',
      postgres,
    ),
    maxConnectionLifetimeJitter: duration(
      'KUMA_STORE_POSTGRES_MAX_CONNECTION_LIFETIME_JITTER',
      '1m',
      "Random part of a connection's lifetime.",
      postgres,
    ),
    healthCheckInterval: duration(
      'KUMA_STORE_POSTGRES_HEALTH_CHECK_INTERVAL',
      '30s',
      'How often idle connections are checked.',
      postgres,
    ),
    minOpenConnections: whole(
      'KUMA_STORE_POSTGRES_MIN_OPEN_CONNECTIONS',
      0,
      'Connections kept open at least.',
      postgres,
    ),
    maxOpenConnections: whole(
      'KUMA_STORE_POSTGRES_MAX_OPEN_CONNECTIONS',
      50,
      'Connections open at most; 0: no limit.',
      postgres,
    ),
    maxIdleConnections: whole('KUMA_STORE_POSTGRES_MAX_IDLE_CONNECTIONS', 50, 'Idle connections kept at most.', {
      ...postgres,
      min: -1,
    }),
    maxListQueryElements: whole(
      'KUMA_STORE_POSTGRES_MAX_LIST_QUERY_ELEMENTS',
      0,
      'Changed elements from which on a whole list is read again.',
      postgres,
    ),
    tls: {
      mode: choice(
        'KUMA_STORE_POSTGRES_TLS_MODE',
        'disable',
        ['disable', 'verifyNone', 'verifyCa', 'verifyFull'],
        'How the server is verified.',
        postgres,
      ),
      certPath: text('KUMA_STORE_POSTGRES_TLS_CERT_PATH', '', 'Client certificate.', postgres),
      keyPath: text('KUMA_STORE_POSTGRES_TLS_KEY_PATH', '', 'Key of the client certificate.', postgres),
      caPath: text('KUMA_STORE_POSTGRES_TLS_ROOT_CERT_PATH', '', 'Certificate authority of the server.', postgres),
      disableSSLSNI: flag('KUMA_STORE_POSTGRES_TLS_DISABLE_SSLSNI', false, 'Send no server name.', postgres),
    },
    readReplica: {
      host: text('KUMA_STORE_POSTGRES_READ_REPLICA_HOST', '', 'Host of a read replica; empty: none.', postgres),
      port: port('KUMA_STORE_POSTGRES_READ_REPLICA_PORT', 5432, 'Port of the read replica.', postgres),
      ratio: whole('KUMA_STORE_POSTGRES_READ_REPLICA_RATIO', 100, 'Percentage of reads that go to the replica.', {
        ...postgres,
        max: 100,
      }),
    },
    tolerateNewerDbVersions: flag(
      'KUMA_STORE_POSTGRES_TOLERATE_NEWER_DB_VERSIONS',
      false,
      'Start on a database that a newer version has migrated.',
      postgres,
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
  unsafeDelete: flag(
    'KUMA_STORE_UNSAFE_DELETE',
    false,
    'Allow deleting a Mesh that still has Dataplanes; they go with it.',
  ),
};
