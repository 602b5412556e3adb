// Settings of the smaller servers: diagnostics, monitoring assignments, calls between control planes.
import { duration, flag, list, port, text } from '../setting.ts';
import { tlsLimits } from './tls.ts';

/** `diagnostics` */
export const diagnosticsSettings = {
  serverPort: port('KUMA_DIAGNOSTICS_SERVER_PORT', 5680, 'Port of /ready, /healthy, /metrics and /logging.'),
  debugEndpoints: flag(
    'KUMA_DIAGNOSTICS_DEBUG_ENDPOINTS',
    false,
    'Serve /debug/pprof: CPU profile, heap snapshot and what of the memory is alive.',
  ),
  tlsEnabled: flag('KUMA_DIAGNOSTICS_TLS_ENABLED', false, 'Serve over HTTPS.'),
  tlsCertFile: text('KUMA_DIAGNOSTICS_TLS_CERT_FILE', '', 'Certificate; empty: that of `general`.'),
  tlsKeyFile: text('KUMA_DIAGNOSTICS_TLS_KEY_FILE', '', 'Key; empty: that of `general`.'),
  ...tlsLimits('KUMA_DIAGNOSTICS'),
};

const monitoring = { noEffect: 'Monitoring assignments do not exist yet.' };

/** `monitoringAssignmentServer` */
export const monitoringSettings = {
  enabled: flag(
    'KUMA_MONITORING_ASSIGNMENT_SERVER_ENABLED',
    true,
    'Tell Prometheus which proxies to scrape.',
    monitoring,
  ),
  port: port('KUMA_MONITORING_ASSIGNMENT_SERVER_PORT', 5676, 'Port of the monitoring assignments.', monitoring),
  apiVersions: list('KUMA_MONITORING_ASSIGNMENT_SERVER_API_VERSIONS', ['v1'], 'Versions served.', monitoring),
  assignmentRefreshInterval: duration(
    'KUMA_MONITORING_ASSIGNMENT_SERVER_ASSIGNMENT_REFRESH_INTERVAL',
    '1s',
    'How often the peer works out assignments.',
    monitoring,
  ),
  defaultFetchTimeout: duration(
    'KUMA_MONITORING_ASSIGNMENT_SERVER_DEFAULT_FETCH_TIMEOUT',
    '30s',
    'How long a fetch waits for a change.',
    monitoring,
  ),
  tlsEnabled: flag('KUMA_MONITORING_ASSIGNMENT_SERVER_TLS_ENABLED', false, 'Serve over TLS.', monitoring),
  tlsCertFile: text('KUMA_MONITORING_ASSIGNMENT_SERVER_TLS_CERT_FILE', '', 'Certificate.', monitoring),
  tlsKeyFile: text('KUMA_MONITORING_ASSIGNMENT_SERVER_TLS_KEY_FILE', '', 'Key.', monitoring),
  ...tlsLimits('KUMA_MONITORING_ASSIGNMENT_SERVER', monitoring),
};

const peerOnly = { noEffect: 'Every instance writes its own entry, with each heartbeat.' };

/** `interCp` */
export const interCpSettings = {
  catalog: {
    instanceAddress: text(
      'KUMA_INTER_CP_CATALOG_INSTANCE_ADDRESS',
      '',
      'Address at which the other instances reach this one; empty: the first of this machine that is no loopback address.',
    ),
    heartbeatInterval: duration(
      'KUMA_INTER_CP_CATALOG_HEARTBEAT_INTERVAL',
      '5s',
      'How often an instance says that it lives. After two that were missed the others take it for gone.',
    ),
    writerInterval: duration(
      'KUMA_INTER_CP_CATALOG_WRITER_INTERVAL',
      '15s',
      'How often the leader writes the list of instances.',
      peerOnly,
    ),
  },
  machineId: text(
    'KUMA_INTER_CP_MACHINE_ID',
    '',
    'What tells the machine of this instance from others, where it is not one kernel: proxies on it have the same in KUMA_DATAPLANE_MACHINE_ID. Empty: the boot id of the kernel.',
  ),
  balanceProxies: flag(
    'KUMA_INTER_CP_BALANCE_PROXIES',
    true,
    'Whether an instance with more proxies than the others sends some of them away; false where something else decides who connects where.',
  ),
  server: {
    port: port(
      'KUMA_INTER_CP_SERVER_PORT',
      5683,
      'Port of calls between instances, where several share a PostgreSQL store.',
    ),
    ...tlsLimits('KUMA_INTER_CP_SERVER'),
  },
};
