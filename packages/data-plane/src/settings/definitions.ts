// Every setting of `kuma-dp run`, with the peer's names (reference s9, s15). Types, flags, environment, help and printing are made from it.
import { ownServiceDefinitions } from './own-service.ts';
import {
  choiceSetting,
  durationSetting,
  listSetting,
  numberSetting,
  pairsSetting,
  type Setting,
  switchSetting,
  textSetting,
} from './setting.ts';

const port = { least: 1, most: 65535 };
const portOrNone = { least: 0, most: 65535 };
const seconds = 1000;
const minutes = 60 * seconds;

/** Settings by the name that code uses. */
export const definitions = {
  ...ownServiceDefinitions,
  controlPlaneUrl: textSetting({
    path: 'controlPlane.url',
    env: 'KUMA_CONTROL_PLANE_URL',
    flag: 'cp-address',
    placeholder: 'url',
    initial: 'https://localhost:5678',
    help: "URL of the control plane's server for data plane proxies; several with commas between when it has several instances",
  }),
  caCert: textSetting({
    path: 'controlPlane.caCert',
    env: 'KUMA_CONTROL_PLANE_CA_CERT',
    help: 'PEM certificates that verify the control plane',
  }),
  caCertFile: textSetting({
    path: 'controlPlane.caCertFile',
    env: 'KUMA_CONTROL_PLANE_CA_CERT_FILE',
    flag: 'ca-cert-file',
    placeholder: 'path',
    help: "file with the PEM certificates that verify the control plane; without it, the control plane of this host and user says it itself, others are verified by the machine's own authorities",
  }),
  tlsSkipVerify: switchSetting({
    path: 'controlPlane.tlsSkipVerify',
    env: 'KUMA_CONTROL_PLANE_TLS_SKIP_VERIFY',
    flag: 'skip-verify',
    help: 'trust whatever answers at the address of the control plane: whoever it is gets the token and configures this proxy',
  }),
  retryBackoff: durationSetting({
    path: 'controlPlane.retry.backoff',
    env: 'KUMA_CONTROL_PLANE_RETRY_BACKOFF',
    initial: 3 * seconds,
    help: 'pause between attempts to get the bootstrap',
  }),
  retryMaxDuration: durationSetting({
    path: 'controlPlane.retry.maxDuration',
    env: 'KUMA_CONTROL_PLANE_RETRY_MAX_DURATION',
    initial: 5 * minutes,
    help: 'how long to try to get the bootstrap',
  }),
  mesh: textSetting({
    path: 'dataplane.mesh',
    env: 'KUMA_DATAPLANE_MESH',
    flag: 'mesh',
    placeholder: 'name',
    help: 'mesh of the proxy',
  }),
  name: textSetting({
    path: 'dataplane.name',
    env: 'KUMA_DATAPLANE_NAME',
    flag: 'name',
    placeholder: 'name',
    help: 'name of the proxy',
  }),
  proxyType: choiceSetting(['dataplane', 'ingress', 'egress'], {
    path: 'dataplane.proxyType',
    env: 'KUMA_DATAPLANE_PROXY_TYPE',
    flag: 'proxy-type',
    initial: 'dataplane',
    help: 'kind of the proxy',
  }),
  machineId: textSetting({
    path: 'dataplane.machineId',
    env: 'KUMA_DATAPLANE_MACHINE_ID',
    help: 'tells the machine that this proxy runs on from others, where it is not one kernel: a control plane on it has the same in KUMA_INTER_CP_MACHINE_ID; the boot id of the kernel when empty',
  }),
  drainTime: durationSetting({
    path: 'dataplane.drainTime',
    env: 'KUMA_DATAPLANE_DRAIN_TIME',
    flag: 'drain-time',
    initial: 30 * seconds,
    help: 'how long requests in flight may take after SIGTERM',
  }),
  applicationStopTimeout: durationSetting({
    path: 'dataplane.applicationStopTimeout',
    env: 'KUMA_DATAPLANE_APPLICATION_STOP_TIMEOUT',
    flag: 'application-stop-timeout',
    initial: 10 * seconds,
    help: 'with exec: how long the application may take to end after the drain, before it is killed',
  }),
  readinessPort: numberSetting(port, {
    path: 'dataplane.readinessPort',
    env: 'KUMA_READINESS_PORT',
    initial: 9902,
    help: 'port of /ready on 127.0.0.1; when it is not set and 9902 is taken, a free one is used',
  }),
  resilientBaseBackoff: durationSetting({
    path: 'dataplane.resilientComponentBaseBackoff',
    env: 'KUMA_DATAPLANE_RESILIENT_COMPONENT_BASE_BACKOFF',
    initial: 5 * seconds,
    help: 'first pause before a failed part is started again',
    withoutEffect: 'no part of kuma-dp is restarted on its own',
  }),
  resilientMaxBackoff: durationSetting({
    path: 'dataplane.resilientComponentMaxBackoff',
    env: 'KUMA_DATAPLANE_RESILIENT_COMPONENT_MAX_BACKOFF',
    initial: 1 * minutes,
    help: 'longest pause before a failed part is started again',
    withoutEffect: 'no part of kuma-dp is restarted on its own',
  }),
  binaryPath: textSetting({
    path: 'dataplaneRuntime.binaryPath',
    env: 'KUMA_DATAPLANE_RUNTIME_BINARY_PATH',
    flag: 'binary-path',
    placeholder: 'path',
    initial: 'envoy',
    help: "Envoy's executable: a path, or a name to look up in PATH and then among the fetched ones",
  }),
  configDir: textSetting({
    path: 'dataplaneRuntime.configDir',
    env: 'KUMA_DATAPLANE_RUNTIME_CONFIG_DIR',
    flag: 'config-dir',
    placeholder: 'path',
    help: "folder for Envoy's bootstrap; the work directory when empty",
  }),
  workDir: textSetting({
    path: 'dataplaneRuntime.workDir',
    env: 'KUMA_DATAPLANE_RUNTIME_WORK_DIR',
    flag: 'work-dir',
    placeholder: 'path',
    help: 'folder for sockets and generated files; a temporary one, removed at the end, when empty',
  }),
  socketDir: textSetting({
    path: 'dataplaneRuntime.socketDir',
    env: 'KUMA_DATAPLANE_RUNTIME_SOCKET_DIR',
    help: 'older name of the work directory',
  }),
  concurrency: numberSetting(
    { least: 0, most: 1024 },
    {
      path: 'dataplaneRuntime.concurrency',
      env: 'KUMA_DATAPLANE_RUNTIME_CONCURRENCY',
      flag: 'concurrency',
      help: "Envoy's worker threads; 0 for one a core that this process may use",
    },
  ),
  tokenPath: textSetting({
    path: 'dataplaneRuntime.dataplaneTokenPath',
    env: 'KUMA_DATAPLANE_RUNTIME_TOKEN_PATH',
    flag: 'dataplane-token-file',
    placeholder: 'path',
    help: 'file with the token of the proxy ("kumactl generate dataplane-token" makes one)',
  }),
  token: textSetting({
    path: 'dataplaneRuntime.token',
    env: 'KUMA_DATAPLANE_RUNTIME_TOKEN',
    flag: 'dataplane-token',
    placeholder: 'token',
    secret: true,
    help: 'token of the proxy; prefer the file, as others on this machine can read command lines',
  }),
  resource: textSetting({
    path: 'dataplaneRuntime.resource',
    env: 'KUMA_DATAPLANE_RUNTIME_RESOURCE',
    flag: 'dataplane',
    placeholder: 'yaml',
    help: 'the Dataplane as YAML or JSON; the control plane keeps it for as long as this proxy is connected',
  }),
  resourcePath: textSetting({
    path: 'dataplaneRuntime.resourcePath',
    env: 'KUMA_DATAPLANE_RUNTIME_RESOURCE_PATH',
    flag: 'dataplane-file',
    short: 'd',
    placeholder: 'path',
    help: 'file with the Dataplane as YAML or JSON; "-" for standard input',
  }),
  resourceVars: pairsSetting({
    path: 'dataplaneRuntime.resourceVars',
    env: 'KUMA_DATAPLANE_RUNTIME_RESOURCE_VARS',
    flag: 'dataplane-var',
    short: 'v',
    help: 'value for {{ key }} in the Dataplane; repeatable',
  }),
  envoyLogLevel: choiceSetting(['trace', 'debug', 'info', 'warning', 'warn', 'error', 'critical', 'off'], {
    path: 'dataplaneRuntime.envoyLogLevel',
    env: 'KUMA_DATAPLANE_RUNTIME_ENVOY_LOG_LEVEL',
    flag: 'envoy-log-level',
    help: "Envoy's log level; that of kuma-dp when empty",
  }),
  envoyComponentLogLevel: textSetting({
    path: 'dataplaneRuntime.envoyComponentLogLevel',
    env: 'KUMA_DATAPLANE_RUNTIME_ENVOY_COMPONENT_LOG_LEVEL',
    flag: 'envoy-component-log-level',
    placeholder: 'name:level,…',
    help: "log levels of Envoy's components, such as upstream:debug,http:trace",
  }),
  dynamicConfigurationRefreshInterval: durationSetting({
    path: 'dataplaneRuntime.dynamicConfiguration.refreshInterval',
    env: 'KUMA_DATAPLANE_RUNTIME_DYNAMIC_CONFIGURATION_REFRESH_INTERVAL',
    initial: 1 * seconds,
    help: 'how often kuma-dp asks for its own configuration',
  }),
  systemCaPath: textSetting({
    path: 'dataplaneRuntime.dynamicSystemCaPath',
    env: 'KUMA_DATAPLANE_RUNTIME_DYNAMIC_SYSTEM_CA_PATH',
    help: 'file with the authorities that this machine trusts; found by itself when empty',
  }),
  transparentProxy: switchSetting({
    path: 'dataplaneRuntime.transparentProxy.enabled',
    env: 'KUMA_DATAPLANE_RUNTIME_TRANSPARENT_PROXY',
    flag: 'transparent-proxy',
    help: 'traffic of this host is redirected to the proxy, by "kumactl install transparent-proxy"',
  }),
  transparentProxyConfig: listSetting({
    path: 'dataplaneRuntime.transparentProxy.config',
    env: 'KUMA_DATAPLANE_RUNTIME_TRANSPARENT_PROXY_CONFIG',
    flag: 'transparent-proxy-config',
    placeholder: 'path,…',
    help: 'the configuration that traffic is redirected by, from files with commas between them, or - for standard input; repeatable, later ones win',
  }),
  bindOutbounds: switchSetting({
    path: 'dataplaneRuntime.bindOutbounds',
    env: 'KUMA_DATAPLANE_RUNTIME_BIND_OUTBOUNDS',
    flag: 'bind-outbounds',
    help: 'listen on the virtual addresses of the services, where they are of the loopback (127.0.0.0/8) and no traffic is redirected',
  }),
  xdsVariant: choiceSetting(['DELTA_GRPC', 'GRPC'], {
    path: 'dataplaneRuntime.envoyXdsTransportProtocolVariant',
    env: 'KUMA_DATAPLANE_RUNTIME_ENVOY_XDS_TRANSPORT_PROTOCOL_VARIANT',
    initial: 'DELTA_GRPC',
    help: 'whether the control plane sends changes only, or all resources of a type each time',
  }),
  unifiedResourceNaming: switchSetting({
    path: 'dataplaneRuntime.unifiedResourceNamingEnabled',
    env: 'KUMA_DATAPLANE_RUNTIME_UNIFIED_RESOURCE_NAMING_ENABLED',
    help: "name Envoy's resources after the resources they come from",
  }),
  ipv6Enabled: switchSetting({
    path: 'dataplaneRuntime.IPv6Enabled',
    env: 'KUMA_DATAPLANE_RUNTIME_IPV6_ENABLED',
    initial: true,
    help: 'use IPv6 where the machine has it',
  }),
  strictInboundPorts: switchSetting({
    path: 'dataplaneRuntime.strictInboundPortsEnabled',
    env: 'KUMA_DATAPLANE_RUNTIME_STRICT_INBOUND_PORTS_ENABLED',
    initial: true,
    help: 'accept redirected traffic on the ports of inbounds only',
  }),
  otelPipe: switchSetting({
    path: 'dataplaneRuntime.otelPipeEnabled',
    env: 'KUMA_DATAPLANE_RUNTIME_OTEL_PIPE_ENABLED',
    initial: true,
    help: 'send telemetry through kuma-dp',
    withoutEffect: 'Envoy sends telemetry itself',
  }),
  reusePort: switchSetting({
    path: 'dataplaneRuntime.reusePortEnabled',
    env: 'KUMA_DATAPLANE_RUNTIME_REUSE_PORT_ENABLED',
    initial: true,
    help: "one socket a worker for each of Envoy's listeners",
  }),
  spireSupported: switchSetting({
    path: 'dataplaneRuntime.spire.supported',
    env: 'KUMA_DATAPLANE_RUNTIME_SPIRE_SUPPORTED',
    help: 'a SPIRE agent gives this proxy its identity',
  }),
  spireSocketPath: textSetting({
    path: 'dataplaneRuntime.spire.socketPath',
    env: 'KUMA_DATAPLANE_RUNTIME_SPIRE_SOCKET_PATH',
    help: "the SPIRE agent's socket",
  }),
  metricsCertPath: textSetting({
    path: 'dataplaneRuntime.metrics.certPath',
    env: 'KUMA_DATAPLANE_RUNTIME_METRICS_CERT_PATH',
    flag: 'metrics-cert-path',
    placeholder: 'path',
    help: 'certificate for the listener of metrics',
  }),
  metricsKeyPath: textSetting({
    path: 'dataplaneRuntime.metrics.keyPath',
    env: 'KUMA_DATAPLANE_RUNTIME_METRICS_KEY_PATH',
    flag: 'metrics-key-path',
    placeholder: 'path',
    help: 'key for the listener of metrics',
  }),
  maxMemoryBytes: numberSetting(
    { least: 0, most: Number.MAX_SAFE_INTEGER },
    {
      path: 'dataplaneRuntime.resources.maxMemoryBytes',
      env: 'KUMA_DATAPLANE_RESOURCES_MAX_MEMORY_BYTES',
      help: 'memory that Envoy may use; the limit of the control group when 0',
    },
  ),
  dnsEnabled: switchSetting({
    path: 'dns.enabled',
    env: 'KUMA_DNS_ENABLED',
    flag: 'dns-enabled',
    initial: true,
    help: 'answer DNS for names of the mesh, where traffic is redirected to this proxy or it binds outbounds',
  }),
  dnsProxyPort: numberSetting(portOrNone, {
    path: 'dns.proxyPort',
    env: 'KUMA_DNS_PROXY_PORT',
    flag: 'dns-proxy-port',
    help: 'port on which kuma-dp answers DNS; 0: that of --dns-coredns-port, or else of the redirection',
  }),
  coreDnsPort: numberSetting(portOrNone, {
    path: 'dns.coreDnsPort',
    env: 'KUMA_DNS_CORE_DNS_PORT',
    flag: 'dns-coredns-port',
    initial: 15053,
    help: 'port on which kuma-dp answers DNS when --dns-proxy-port is 0',
  }),
  envoyDnsPort: numberSetting(portOrNone, {
    path: 'dns.envoyDnsPort',
    env: 'KUMA_DNS_ENVOY_DNS_PORT',
    flag: 'dns-envoy-port',
    initial: 15054,
    help: "port of Envoy's DNS filter",
    withoutEffect: 'kuma-dp answers DNS itself',
  }),
  coreDnsBinaryPath: textSetting({
    path: 'dns.coreDnsBinaryPath',
    env: 'KUMA_DNS_CORE_DNS_BINARY_PATH',
    flag: 'dns-coredns-path',
    placeholder: 'path',
    initial: 'coredns',
    help: 'executable of CoreDNS',
    withoutEffect: 'kuma-dp does not use CoreDNS',
  }),
  coreDnsConfigTemplatePath: textSetting({
    path: 'dns.coreDnsConfigTemplatePath',
    env: 'KUMA_DNS_CORE_DNS_CONFIG_TEMPLATE_PATH',
    flag: 'dns-coredns-config-template-path',
    placeholder: 'path',
    help: 'template of a Corefile',
    withoutEffect: 'kuma-dp does not use CoreDNS',
  }),
  dnsConfigDir: textSetting({
    path: 'dns.configDir',
    env: 'KUMA_DNS_CONFIG_DIR',
    flag: 'dns-server-config-dir',
    placeholder: 'path',
    help: 'folder for a Corefile',
    withoutEffect: 'kuma-dp does not use CoreDNS',
  }),
  dnsPrometheusPort: numberSetting(portOrNone, {
    path: 'dns.prometheusPort',
    env: 'KUMA_DNS_PROMETHEUS_PORT',
    flag: 'dns-prometheus-port',
    initial: 19153,
    help: 'port of CoreDNS metrics',
    withoutEffect: 'kuma-dp does not use CoreDNS',
  }),
  dnsLogging: switchSetting({
    path: 'dns.coreDnsLogging',
    env: 'KUMA_DNS_ENABLE_LOGGING',
    flag: 'dns-enable-logging',
    help: 'log every DNS question, with who answered it',
  }),
  applicationProbeProxyPort: numberSetting(portOrNone, {
    path: 'applicationProbeProxyServer.port',
    env: 'KUMA_APPLICATION_PROBE_PROXY_PORT',
    help: 'port on which probes of the application are taken and forwarded to it (/<port>/<path>, /tcp/<port>, /grpc/<port>); 0: none',
  }),
} satisfies Readonly<Record<string, Setting<unknown>>>;

/** The values of all settings. Durations are milliseconds. */
export type Settings = {
  readonly [Name in keyof typeof definitions]: (typeof definitions)[Name] extends Setting<infer Value> ? Value : never;
};

/** A name in {@link Settings}. */
export type SettingName = keyof Settings;
