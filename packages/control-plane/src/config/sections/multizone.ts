// Settings of deployments with several zones.
import { duration, flag, port, text, whole } from '../setting.ts';
import { tlsLimits } from './tls.ts';

const later = { noEffect: 'Several zones do not exist yet.' };

/** `multizone` */
export const multizoneSettings = {
  global: {
    kds: {
      grpcPort: port('KUMA_MULTIZONE_GLOBAL_KDS_GRPC_PORT', 5685, 'Port zones connect to.', later),
      refreshInterval: duration(
        'KUMA_MULTIZONE_GLOBAL_KDS_REFRESH_INTERVAL',
        '1s',
        'How often the peer looks for changes.',
        later,
      ),
      zoneInsightFlushInterval: duration(
        'KUMA_MULTIZONE_GLOBAL_KDS_ZONE_INSIGHT_FLUSH_INTERVAL',
        '10s',
        'How often the status of zones is written.',
        later,
      ),
      tlsEnabled: flag('KUMA_MULTIZONE_GLOBAL_KDS_TLS_ENABLED', true, 'Serve zones over TLS.', later),
      tlsCertFile: text('KUMA_MULTIZONE_GLOBAL_KDS_TLS_CERT_FILE', '', 'Certificate.', later),
      tlsKeyFile: text('KUMA_MULTIZONE_GLOBAL_KDS_TLS_KEY_FILE', '', 'Key.', later),
      ...tlsLimits('KUMA_MULTIZONE_GLOBAL_KDS', later),
      maxMsgSize: whole('KUMA_MULTIZONE_GLOBAL_KDS_MAX_MSG_SIZE', 10_485_760, 'Largest message, in bytes.', later),
      msgSendTimeout: duration('KUMA_MULTIZONE_GLOBAL_KDS_MSG_SEND_TIMEOUT', '60s', 'Time a message may take.', later),
      nackBackoff: duration('KUMA_MULTIZONE_GLOBAL_KDS_NACK_BACKOFF', '5s', 'Wait after a rejected message.', later),
      responseBackoff: duration('KUMA_MULTIZONE_GLOBAL_KDS_RESPONSE_BACKOFF', '0s', 'Wait before a message.', later),
      logPayloads: flag('KUMA_MULTIZONE_GLOBAL_KDS_LOG_PAYLOADS', false, 'Log the messages.', later),
      zoneHealthCheck: {
        pollInterval: duration(
          'KUMA_MULTIZONE_GLOBAL_KDS_ZONE_HEALTH_CHECK_POLL_INTERVAL',
          '30s',
          'How often zones are looked at.',
          later,
        ),
        timeout: duration(
          'KUMA_MULTIZONE_GLOBAL_KDS_ZONE_HEALTH_CHECK_TIMEOUT',
          '5m',
          'A silent zone is offline after this.',
          later,
        ),
      },
      tracing: { enabled: flag('KUMA_MULTIZONE_GLOBAL_KDS_TRACING_ENABLED', true, 'Trace the streams.', later) },
    },
  },
  zone: {
    name: text('KUMA_MULTIZONE_ZONE_NAME', 'default', 'Name of this zone.'),
    globalAddress: text(
      'KUMA_MULTIZONE_ZONE_GLOBAL_ADDRESS',
      '',
      'Address of the global control plane; empty: this zone stands alone.',
    ),
    kds: {
      refreshInterval: duration(
        'KUMA_MULTIZONE_ZONE_KDS_REFRESH_INTERVAL',
        '1s',
        'How often the peer looks for changes.',
        later,
      ),
      rootCaFile: text(
        'KUMA_MULTIZONE_ZONE_KDS_ROOT_CA_FILE',
        '',
        "Authority the global control plane's certificate must come from.",
        later,
      ),
      tlsSkipVerify: flag(
        'KUMA_MULTIZONE_ZONE_KDS_TLS_SKIP_VERIFY',
        false,
        'Do not verify the global control plane.',
        later,
      ),
      maxMsgSize: whole('KUMA_MULTIZONE_ZONE_KDS_MAX_MSG_SIZE', 10_485_760, 'Largest message, in bytes.', later),
      msgSendTimeout: duration('KUMA_MULTIZONE_ZONE_KDS_MSG_SEND_TIMEOUT', '60s', 'Time a message may take.', later),
      nackBackoff: duration('KUMA_MULTIZONE_ZONE_KDS_NACK_BACKOFF', '5s', 'Wait after a rejected message.', later),
      responseBackoff: duration('KUMA_MULTIZONE_ZONE_KDS_RESPONSE_BACKOFF', '0s', 'Wait before a message.', later),
      logPayloads: flag('KUMA_MULTIZONE_ZONE_KDS_LOG_PAYLOADS', false, 'Log the messages.', later),
    },
    disableOriginLabelValidation: flag(
      'KUMA_MULTIZONE_ZONE_DISABLE_ORIGIN_LABEL_VALIDATION',
      false,
      'A zone under a global control plane accepts policies without the label `kuma.io/origin: zone`.',
      later,
    ),
    ingressUpdateInterval: duration(
      'KUMA_MULTIZONE_ZONE_INGRESS_UPDATE_INTERVAL',
      '1s',
      'How often the services a zone ingress offers are written.',
      later,
    ),
  },
};
