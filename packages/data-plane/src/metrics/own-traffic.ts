// Which of Envoy's clusters and listeners are the mesh's own, and which carry traffic of the mesh's users.

/** Labels of Envoy's metrics that name a cluster, a connection manager or a listener. */
export const entityLabels = {
  cluster: 'envoy_cluster_name',
  manager: 'envoy_http_conn_manager_prefix',
  listener: 'envoy_listener_address',
} as const;

const ownNames: ReadonlySet<string> = new Set([
  'access_log_sink',
  'admin',
  'ads_cluster',
  'kuma_envoy_admin',
  'kuma_metrics_hijacker',
  'kuma_metrics_prometheus',
  'kuma_readiness',
]);
// Sockets in files are kuma-dp's.
const ownPrefixes = ['/', '_kuma', 'system_', 'meshtrace_', 'meshaccesslog_', 'tracing_'];

/** True for what is there for the mesh itself: its control plane, its logs, traces and metrics. */
export function isOwn(entity: string): boolean {
  return ownNames.has(entity) || ownPrefixes.some((prefix) => entity.startsWith(prefix));
}
