// Settings of the server that proxies talk to: bootstrap, xDS, health discovery.
import { choice, duration, flag, port, records, text, whole } from '../setting.ts';
import { tlsLimits } from './tls.ts';

/** `dpServer` */
export const dpServerSettings = {
  port: port('KUMA_DP_SERVER_PORT', 5678, 'Port of bootstrap and xDS, over TLS.'),
  tlsCertFile: text('KUMA_DP_SERVER_TLS_CERT_FILE', '', 'Certificate; empty: that of `general`.'),
  tlsKeyFile: text('KUMA_DP_SERVER_TLS_KEY_FILE', '', 'Key; empty: that of `general`.'),
  ...tlsLimits('KUMA_DP_SERVER'),
  readHeaderTimeout: duration('KUMA_DP_SERVER_READ_HEADER_TIMEOUT', '5s', 'Time a client has for its request headers.'),
  maxUnprovenConnections: whole(
    'KUMA_DP_SERVER_MAX_UNPROVEN_CONNECTIONS',
    1000,
    'Connections at most on which no proxy has proven yet who it is, or as many as there are proxies in the store; beyond that, one that idles gives way to a new one.',
    { min: 1 },
  ),
  maxMemoryPercent: whole(
    'KUMA_DP_SERVER_MAX_MEMORY_PERCENT',
    85,
    'Percentage of the memory (that of the cgroup, or the machine, and of the JavaScript heap) above which no more proxies are let in; 0: no limit.',
    { max: 100 },
  ),
  gracefulShutdownTimeout: duration(
    'KUMA_DP_SERVER_GRACEFUL_SHUTDOWN_TIMEOUT',
    '10s',
    'Time all servers have to finish their requests at the end.',
  ),
  authn: {
    dpProxy: {
      type: choice(
        'KUMA_DP_SERVER_AUTHN_DP_PROXY_TYPE',
        'dpToken',
        ['dpToken', 'serviceAccountToken', 'none', ''],
        'How data plane proxies prove who they are; empty: dpToken.',
      ),
      dpToken: {
        enableIssuer: flag(
          'KUMA_DP_SERVER_AUTHN_DP_PROXY_DP_TOKEN_ENABLE_ISSUER',
          true,
          'Issue data plane tokens; switch off when all are signed offline.',
        ),
        validator: {
          useSecrets: flag(
            'KUMA_DP_SERVER_AUTHN_DP_PROXY_DP_TOKEN_VALIDATOR_USE_SECRETS',
            true,
            'Verify data plane tokens with the signing keys in the store.',
          ),
          publicKeys: records(['kid', 'mesh', 'key', 'keyFile'], 'Further keys to verify data plane tokens with.'),
        },
      },
    },
    zoneProxy: {
      type: choice(
        'KUMA_DP_SERVER_AUTHN_ZONE_PROXY_TYPE',
        'zoneToken',
        ['zoneToken', 'serviceAccountToken', 'none', ''],
        'How zone proxies prove who they are; empty: zoneToken.',
      ),
      zoneToken: {
        enableIssuer: flag(
          'KUMA_DP_SERVER_AUTHN_ZONE_PROXY_ZONE_TOKEN_ENABLE_ISSUER',
          true,
          'Issue zone tokens; switch off when all are signed offline.',
        ),
        validator: {
          useSecrets: flag(
            'KUMA_DP_SERVER_AUTHN_ZONE_PROXY_ZONE_TOKEN_VALIDATOR_USE_SECRETS',
            true,
            'Verify zone tokens with the signing keys in the store.',
          ),
          publicKeys: records(['kid', 'key', 'keyFile'], 'Further keys to verify zone tokens with.'),
        },
      },
    },
    enableReloadableTokens: flag(
      'KUMA_DP_SERVER_AUTHN_ENABLE_RELOADABLE_TOKENS',
      false,
      'Let Envoy read its token from a file again and again, so that it can be renewed.',
    ),
  },
  hds: {
    enabled: flag(
      'KUMA_DP_SERVER_HDS_ENABLED',
      true,
      'Let the proxies of inbounds with a `serviceProbe` probe the application and report its health.',
    ),
    interval: duration(
      'KUMA_DP_SERVER_HDS_INTERVAL',
      '5s',
      'How often proxies report what their probes have found; every half second at the latest.',
    ),
    refreshInterval: duration(
      'KUMA_DP_SERVER_HDS_REFRESH_INTERVAL',
      '10s',
      'How often the peer works out what is probed.',
      { noEffect: 'Changes are pushed when they happen; nothing is polled.' },
    ),
    checkDefaults: {
      timeout: duration(
        'KUMA_DP_SERVER_HDS_CHECK_TIMEOUT',
        '2s',
        'Time an answer to a probe may take, where the probe does not say.',
      ),
      interval: duration(
        'KUMA_DP_SERVER_HDS_CHECK_INTERVAL',
        '1s',
        'Time between two probes, where the probe does not say.',
      ),
      noTrafficInterval: duration(
        'KUMA_DP_SERVER_HDS_CHECK_NO_TRAFFIC_INTERVAL',
        '1s',
        'The same, for what has no traffic, as Envoy sees it: the shorter of the two counts.',
      ),
      healthyThreshold: whole(
        'KUMA_DP_SERVER_HDS_CHECK_HEALTHY_THRESHOLD',
        1,
        'Good answers in a row until it is healthy, where the probe does not say.',
        { min: 1 },
      ),
      unhealthyThreshold: whole(
        'KUMA_DP_SERVER_HDS_CHECK_UNHEALTHY_THRESHOLD',
        1,
        'Bad answers in a row until it is unhealthy, where the probe does not say.',
        { min: 1 },
      ),
    },
  },
};

/** `bootstrapServer` */
export const bootstrapServerSettings = {
  params: {
    adminAddress: text('KUMA_BOOTSTRAP_SERVER_PARAMS_ADMIN_ADDRESS', '127.0.0.1', "Address of Envoy's admin listener."),
    adminPort: port('KUMA_BOOTSTRAP_SERVER_PARAMS_ADMIN_PORT', 9901, "Port of Envoy's admin listener."),
    envoyAdminUnixSocket: flag(
      'KUMA_BOOTSTRAP_SERVER_PARAMS_ENVOY_ADMIN_UNIX_SOCKET',
      true,
      "Envoy's admin listener is a Unix socket in the proxy's work directory.",
    ),
    readinessPort: port(
      'KUMA_BOOTSTRAP_SERVER_PARAMS_READINESS_PORT',
      9902,
      'Port of the readiness answer of kuma-dp.',
      { noEffect: 'A proxy says its own port when it asks for its bootstrap.' },
    ),
    adminAccessLogPath: text(
      'KUMA_BOOTSTRAP_SERVER_PARAMS_ADMIN_ACCESS_LOG_PATH',
      '/dev/null',
      'Where Envoy logs accesses to its admin listener.',
    ),
    xdsHost: text('KUMA_BOOTSTRAP_SERVER_PARAMS_XDS_HOST', '', 'Host Envoy connects to; empty: the one kuma-dp used.'),
    xdsPort: port('KUMA_BOOTSTRAP_SERVER_PARAMS_XDS_PORT', 0, 'Port Envoy connects to; 0: that of `dpServer`.'),
    xdsConnectTimeout: duration(
      'KUMA_BOOTSTRAP_SERVER_PARAMS_XDS_CONNECT_TIMEOUT',
      '1s',
      'Time Envoy gives a connection attempt.',
    ),
    xdsGrpcMaxReceiveMessageBytes: whole(
      'KUMA_BOOTSTRAP_SERVER_PARAMS_XDS_GRPC_MAX_RECEIVE_MESSAGE_BYTES',
      4_194_304,
      'Largest message Envoy accepts from the control plane.',
    ),
    corefileTemplatePath: text(
      'KUMA_BOOTSTRAP_SERVER_PARAMS_COREFILE_TEMPLATE_PATH',
      '',
      'Template of the CoreDNS configuration for proxies that run CoreDNS.',
    ),
  },
};

const pushed = { noEffect: 'Changes are pushed when they happen; nothing is polled.' };

/** `xdsServer` */
export const xdsServerSettings = {
  dataplaneConfigurationRefreshInterval: duration(
    'KUMA_XDS_SERVER_DATAPLANE_CONFIGURATION_REFRESH_INTERVAL',
    '1s',
    'How often the peer works out the configuration of a proxy.',
    pushed,
  ),
  dataplaneStatusFlushInterval: duration(
    'KUMA_XDS_SERVER_DATAPLANE_STATUS_FLUSH_INTERVAL',
    '10s',
    'How often the status of connected proxies is written.',
  ),
  nackBackoff: duration(
    'KUMA_XDS_SERVER_NACK_BACKOFF',
    '5s',
    'How long the peer waits after a rejected configuration.',
    pushed,
  ),
  dataplaneDeregistrationDelay: duration(
    'KUMA_XDS_DATAPLANE_DEREGISTRATION_DELAY',
    '10s',
    'A proxy that registered itself is removed this long after its connection ended, but not while most proxies are missing.',
  ),
};
