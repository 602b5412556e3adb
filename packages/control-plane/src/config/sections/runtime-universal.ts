// Settings of work that goes on in the background: clean-up, generated resources, status, metrics.
import { duration, flag, list, text, whole } from '../setting.ts';

const driven = { noEffect: 'Done when something changes, not at intervals.' };

/** `runtime.universal` */
export const universalSettings = {
  dataplaneCleanupAge: duration(
    'KUMA_RUNTIME_UNIVERSAL_DATAPLANE_CLEANUP_AGE',
    '72h',
    'A Dataplane whose proxy is gone is deleted after this; 0: never.',
  ),
  zoneResourceCleanupAge: duration(
    'KUMA_RUNTIME_UNIVERSAL_ZONE_RESOURCE_CLEANUP_AGE',
    '72h',
    'A ZoneIngress or ZoneEgress whose proxy is gone is deleted after this; 0: never.',
  ),
  vipRefreshInterval: duration(
    'KUMA_RUNTIME_UNIVERSAL_VIP_REFRESH_INTERVAL',
    '500ms',
    'How often the peer gives addresses to services known by their tag.',
    driven,
  ),
  spireSocketPath: text(
    'KUMA_RUNTIME_UNIVERSAL_SPIRE_SOCKET_PATH',
    '/tmp/spire-agent/public/api.sock',
    'Socket of the SPIRE agent on the hosts of proxies whose kuma-dp names none.',
  ),
  workloadGenerationInterval: duration(
    'KUMA_RUNTIME_UNIVERSAL_WORKLOAD_GENERATION_INTERVAL',
    '2s',
    'How often the peer makes Workloads; here 0 switches generation off, any other value leaves it on.',
  ),
};

/** `meshService` */
export const meshServiceSettings = {
  generationInterval: duration(
    'KUMA_MESH_SERVICE_GENERATION_INTERVAL',
    '2s',
    'How often the peer makes MeshServices; here 0 switches generation off, any other value leaves it on.',
  ),
  deletionGracePeriod: duration(
    'KUMA_MESH_SERVICE_DELETION_GRACE_PERIOD',
    '1h',
    'A generated MeshService without Dataplanes is deleted after this.',
  ),
  labelPropagation: {
    enabled: flag(
      'KUMA_MESH_SERVICE_LABEL_PROPAGATION_ENABLED',
      false,
      'Copy labels of Dataplanes to the MeshServices made from them; where Dataplanes of one service differ in a label, it is left out.',
    ),
    allowedLabelKeys: list(
      'KUMA_MESH_SERVICE_LABEL_PROPAGATION_ALLOWED_LABEL_KEYS',
      [],
      'Labels that may be copied; empty: all but those of kuma.io, which are never copied.',
    ),
  },
};

/** `coreResources` */
export const coreResourcesSettings = {
  enabled: list('KUMA_CORE_RESOURCES_ENABLED', [], 'Core resource types that are served; empty: all.', {
    noEffect: 'All are served.',
  }),
  status: {
    meshMultiZoneServiceInterval: duration(
      'KUMA_CORE_RESOURCES_STATUS_MESH_MULTI_ZONE_SERVICE_INTERVAL',
      '5s',
      'How often the peer writes the status of MeshMultiZoneServices.',
      driven,
    ),
    meshServiceInterval: duration(
      'KUMA_CORE_RESOURCES_STATUS_MESH_SERVICE_INTERVAL',
      '5s',
      'How often the peer writes the status of MeshServices.',
      driven,
    ),
    meshIdentityInterval: duration(
      'KUMA_CORE_RESOURCES_STATUS_MESH_IDENTITY_INTERVAL',
      '5s',
      'How often the peer writes the status of MeshIdentities.',
      driven,
    ),
    workloadInterval: duration(
      'KUMA_CORE_RESOURCES_STATUS_WORKLOAD_INTERVAL',
      '5s',
      'How often the peer writes the status of Workloads.',
      driven,
    ),
    meshOpenTelemetryBackendInterval: duration(
      'KUMA_CORE_RESOURCES_STATUS_MESH_OPEN_TELEMETRY_BACKEND_INTERVAL',
      '5s',
      'How often the peer writes the status of MeshOpenTelemetryBackends.',
      driven,
    ),
  },
};

/** `metrics` */
export const metricsSettings = {
  dataplane: {
    subscriptionLimit: whole(
      'KUMA_METRICS_DATAPLANE_SUBSCRIPTION_LIMIT',
      2,
      'Connections remembered in a DataplaneInsight; 0: all.',
    ),
    idleTimeout: duration(
      'KUMA_METRICS_DATAPLANE_IDLE_TIMEOUT',
      '5m',
      'A proxy without a sign of life is offline after this.',
      { noEffect: 'A proxy is online exactly while it is connected.' },
    ),
  },
  zone: {
    subscriptionLimit: whole(
      'KUMA_METRICS_ZONE_SUBSCRIPTION_LIMIT',
      10,
      'Connections remembered in a ZoneInsight; 0: all.',
      { noEffect: 'Several zones do not exist yet.' },
    ),
    idleTimeout: duration(
      'KUMA_METRICS_ZONE_IDLE_TIMEOUT',
      '5m',
      'A zone without a sign of life is offline after this.',
      { noEffect: 'Several zones do not exist yet.' },
    ),
    compactFinishedSubscriptions: flag(
      'KUMA_METRICS_ZONE_COMPACT_FINISHED_SUBSCRIPTIONS',
      false,
      'Keep only the essence of ended connections of zones.',
      { noEffect: 'Several zones do not exist yet.' },
    ),
  },
  mesh: {
    minResyncInterval: duration(
      'KUMA_METRICS_MESH_MIN_RESYNC_INTERVAL',
      '1s',
      'Shortest time between two writes of the insights of a mesh.',
    ),
    fullResyncInterval: duration(
      'KUMA_METRICS_MESH_FULL_RESYNC_INTERVAL',
      '20s',
      'How often the peer works out all insights.',
      driven,
    ),
    bufferSize: whole('KUMA_METRICS_MESH_BUFFER_SIZE', 1000, 'Events the peer holds for insights.', driven),
    eventProcessors: whole(
      'KUMA_METRICS_MESH_EVENT_PROCESSORS',
      1,
      'Threads the peer works out insights with.',
      driven,
    ),
  },
  controlPlane: {
    reportResourcesCount: flag(
      'KUMA_METRICS_CONTROL_PLANE_REPORT_RESOURCES_COUNT',
      true,
      'Serve the metric `resources_count`.',
    ),
  },
  openTelemetry: {
    enabled: flag(
      'KUMA_METRICS_OPENTELEMETRY_ENABLED',
      true,
      'Send the metrics where `OTEL_EXPORTER_OTLP_ENDPOINT` says, if it is set.',
    ),
  },
};
