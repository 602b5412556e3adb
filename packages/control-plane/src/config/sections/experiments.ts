// Settings the peer calls experimental, and small ones without a section of their own.
import { duration, flag, list, text, whole } from '../setting.ts';

const zones = { noEffect: 'Several zones do not exist yet.' };
const kubernetes = { noEffect: 'Kubernetes does not exist yet.' };

/** `experimental` */
export const experimentalSettings = {
  kubeOutboundsAsVIPs: flag(
    'KUMA_EXPERIMENTAL_KUBE_OUTBOUNDS_AS_VIPS',
    true,
    'Outbounds of Kubernetes services come from addresses.',
    kubernetes,
  ),
  useTagFirstVirtualOutboundModel: flag(
    'KUMA_EXPERIMENTAL_USE_TAG_FIRST_VIRTUAL_OUTBOUND_MODEL',
    false,
    'Compact form of virtual outbounds in the store of the peer.',
    { noEffect: 'Addresses are kept in one form.' },
  ),
  ingressTagFilters: list(
    'KUMA_EXPERIMENTAL_INGRESS_TAG_FILTERS',
    [],
    'Tags a zone ingress tells other zones; empty: all.',
    zones,
  ),
  exposeZoneProxyMetrics: flag(
    'KUMA_EXPERIMENTAL_EXPOSE_ZONE_PROXY_METRICS',
    false,
    'Let zone proxies be scraped.',
    zones,
  ),
  kdsEventBasedWatchdog: {
    enabled: flag(
      'KUMA_EXPERIMENTAL_KDS_EVENT_BASED_WATCHDOG_ENABLED',
      false,
      'Send changes to zones when they happen.',
      zones,
    ),
    flushInterval: duration(
      'KUMA_EXPERIMENTAL_KDS_EVENT_BASED_WATCHDOG_FLUSH_INTERVAL',
      '5s',
      'How long the peer gathers changes.',
      zones,
    ),
    fullResyncInterval: duration(
      'KUMA_EXPERIMENTAL_KDS_EVENT_BASED_WATCHDOG_FULL_RESYNC_INTERVAL',
      '60s',
      'How often the peer sends everything.',
      zones,
    ),
    delayFullResync: flag(
      'KUMA_EXPERIMENTAL_KDS_EVENT_BASED_WATCHDOG_DELAY_FULL_RESYNC',
      false,
      'Spread the first time the peer sends everything.',
      zones,
    ),
  },
  autoReachableServices: flag(
    'KUMA_EXPERIMENTAL_AUTO_REACHABLE_SERVICES',
    false,
    'Give proxies whose traffic is redirected only the services that let them in, unless their Dataplanes list what they reach.',
  ),
  sidecarContainers: flag(
    'KUMA_EXPERIMENTAL_SIDECAR_CONTAINERS',
    true,
    'Inject native sidecar containers.',
    kubernetes,
  ),
  deltaXds: flag(
    'KUMA_EXPERIMENTAL_DELTA_XDS',
    false,
    'Ask all proxies for the delta protocol. kuma-dp of this project asks for it by itself.',
  ),
};

/** `proxy` */
export const proxySettings = {
  gateway: {
    globalDownstreamMaxConnections: whole(
      'KUMA_PROXY_GATEWAY_GLOBAL_DOWNSTREAM_MAX_CONNECTIONS',
      50_000,
      'Connections a gateway accepts at most.',
    ),
  },
};

/** `eventBus` */
export const eventBusSettings = {
  bufferSize: whole('KUMA_EVENT_BUS_BUFFER_SIZE', 100, 'Events the peer holds for a listener.', {
    noEffect: 'The feed of changes has no buffer that could overflow.',
  }),
};

/** `policies` */
export const policiesSettings = {
  pluginPoliciesEnabled: list(
    'KUMA_PLUGIN_POLICIES_ENABLED',
    [],
    'Built-in policies that are served, such as `meshtimeouts`; empty: all.',
  ),
  customPolicies: list(
    'KUMA_PLUGIN_POLICIES_CUSTOM',
    [],
    'Folders or modules of policies of your own; their code runs inside the control plane. See the guide "add a policy".',
  ),
  refusedHazards: list(
    'KUMA_POLICIES_REFUSED_HAZARDS',
    ['host', 'admin'],
    "What policies may not do: `host` (files, environment, sockets of the proxy's host), `admin` (Envoy's admin interface), `code` (Lua, Wasm), `authorization` (filters that guard), `internal` (loopback and link-local addresses), `log-environment`.",
  ),
  strictMtlsQuietPeriod: duration(
    'KUMA_POLICIES_STRICT_MTLS_QUIET_PERIOD',
    '10m',
    'A write that makes inbounds insist on mTLS is refused while plain text came within this time; 0s: it never is.',
  ),
  envoyValidation: {
    enabled: flag(
      'KUMA_POLICIES_ENVOY_VALIDATION_ENABLED',
      true,
      'Let an Envoy judge what a policy makes of its configuration before the policy is stored. Without an Envoy nothing is judged.',
    ),
    binaryPath: text(
      'KUMA_POLICIES_ENVOY_VALIDATION_BINARY_PATH',
      'envoy',
      'That Envoy: a path, or a name in PATH; it should have the version of the proxies.',
    ),
    timeout: duration('KUMA_POLICIES_ENVOY_VALIDATION_TIMEOUT', '10s', 'How long it may take to judge.'),
  },
};

/** `tracing` */
export const tracingSettings = {
  openTelemetry: {
    enabled: flag(
      'KUMA_TRACING_OPENTELEMETRY_ENABLED',
      false,
      'Trace requests to the API, and changes until the proxies have them. `OTEL_EXPORTER_OTLP_*` say where the traces go.',
    ),
    endpoint: text(
      'KUMA_TRACING_OPENTELEMETRY_ENDPOINT',
      '',
      'Collector of the traces, as host:port, spoken to by gRPC without TLS, where no `OTEL_EXPORTER_OTLP_*ENDPOINT` is set; empty: localhost:4317.',
    ),
    samplingPercent: whole(
      'KUMA_TRACING_OPENTELEMETRY_SAMPLING_PERCENT',
      100,
      'How many of a hundred requests are traced whose caller has not decided (header `traceparent`).',
      { max: 100 },
    ),
  },
};

/** `reports` */
export const reportsSettings = {
  enabled: flag(
    'KUMA_REPORTS_ENABLED',
    false,
    'Report counts and versions, at the start and every hour, to `reports.url`.',
    {},
  ),
  url: text('KUMA_REPORTS_URL', '', 'Where reports are posted to, as JSON. Empty: nowhere.'),
};
