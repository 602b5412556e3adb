// Names in the environment that start like ours and are not settings of the control plane.

/** Settings of kuma-dp, which often runs with the same environment. */
const dataPlanePrefixes = [
  'KUMA_CONTROL_PLANE_',
  'KUMA_DATAPLANE_',
  'KUMA_READINESS_',
  'KUMA_APPLICATION_PROBE_PROXY_',
  'KUMA_DNS_ENABLED',
  'KUMA_DNS_PROXY_',
  'KUMA_DNS_CORE_DNS_',
  'KUMA_DNS_ENVOY_DNS_',
  'KUMA_DNS_CONFIG_',
  'KUMA_DNS_PROMETHEUS_',
  'KUMA_DNS_ENABLE_LOGGING',
];

/** Kubernetes describes each Service of a namespace in the environment of its pods: `KUMA_X_SERVICE_HOST`, `KUMA_X_PORT_5681_TCP`. */
const serviceLinkName = /_SERVICE_HOST$|_SERVICE_PORT(_\w+)?$|_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$/;
const serviceLinkValue = /^(tcp|udp|sctp):\/\//;

/** Names that older or other versions of the peer knew, and what became of them. */
export const retiredNames: Readonly<Record<string, string>> = {
  KUMA_GUI_SERVER_ENABLED: 'use KUMA_API_SERVER_GUI_ENABLED',
  KUMA_GUI_SERVER_API_SERVER_URL: 'it changes nothing here',
  KUMA_METRICS_MESH_MIN_RESYNC_TIMEOUT: 'it changes nothing here',
  KUMA_METRICS_MESH_MAX_RESYNC_TIMEOUT: 'it changes nothing here',
  KUMA_STORE_POSTGRES_MIN_RECONNECT_INTERVAL: 'it changes nothing here',
  KUMA_STORE_POSTGRES_MAX_RECONNECT_INTERVAL: 'it changes nothing here',
  KUMA_RUNTIME_KUBERNETES_INJECTOR_SIDECAR_CONTAINER_REDIRECT_PORT_INBOUND_V6: 'it changes nothing here',
  KUMA_EXPERIMENTAL_GENERATE_MESH_SERVICES: 'MeshServices are generated as the Mesh says',
  KUMA_EXPERIMENTAL_SKIP_PERSISTED_VIPS: 'it changes nothing here',
  KUMA_EXPERIMENTAL_GATEWAY_API: 'it changes nothing here',
  KUMA_BOOTSTRAP_SERVER_API_VERSION: 'proxies always speak version 3',
};

/** Names that meant what is said in more than one place today, or otherwise: passing them over would leave out what was asked for. */
export const replacedNames: Readonly<Record<string, string>> = {
  KUMA_DP_SERVER_AUTH_TYPE: 'use KUMA_DP_SERVER_AUTHN_DP_PROXY_TYPE and KUMA_DP_SERVER_AUTHN_ZONE_PROXY_TYPE',
  KUMA_DP_SERVER_AUTH_USE_TOKEN_PATH: 'use KUMA_DP_SERVER_AUTHN_ENABLE_RELOADABLE_TOKENS',
};

/** Older spellings of names in the environment, and the ones they stand for. */
export const renamedNames: Readonly<Record<string, string>> = {
  KUMA_API_SERVER_PORT: 'KUMA_API_SERVER_HTTP_PORT',
  KUMA_DP_SERVER_AUTH_ENABLE_RELOADABLE_TOKENS: 'KUMA_DP_SERVER_AUTHN_ENABLE_RELOADABLE_TOKENS',
  KUMA_API_SERVER_HTTPS_TLS_CA_FILE: 'KUMA_API_SERVER_HTTPS_CLIENT_CERTS_CA_FILE',
  KUMA_STORE_POSTGRES_TLS_CA_PATH: 'KUMA_STORE_POSTGRES_TLS_ROOT_CERT_PATH',
  KUMA_DNS_SERVER_SERVICE_VIP_PORT: 'KUMA_DNS_SERVICE_SERVICE_VIP_PORT',
  KUMA_MONITORING_ASSIGNMENT_SERVER_GRPC_PORT: 'KUMA_MONITORING_ASSIGNMENT_SERVER_PORT',
};

const tables = [retiredNames, replacedNames, renamedNames];

/** The name in the environment that a path in the file goes with: `dpServer.auth.type` is KUMA_DP_SERVER_AUTH_TYPE. */
export function environmentName(path: string): string {
  const words = path.replaceAll('.', '_').replace(/([a-z0-9])([A-Z])/g, '$1_$2');
  return `KUMA_${words.toUpperCase()}`;
}

/** Whether the tables have names below this one: the path is a section that the file had once. */
export function hasFormerNamesBelow(name: string): boolean {
  return tables.some((table) => Object.keys(table).some((former) => former.startsWith(`${name}_`)));
}

/**
 * True for names the control plane leaves alone without a word. A name of the table is asked for first, so
 * `KUMA_API_SERVER_HTTP_PORT` never gets here.
 */
export function isForeignName(name: string, value: string): boolean {
  if (dataPlanePrefixes.some((prefix) => name.startsWith(prefix))) return true;
  return serviceLinkName.test(name) || (name.endsWith('_PORT') && serviceLinkValue.test(value));
}
