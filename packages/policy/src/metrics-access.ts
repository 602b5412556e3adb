// How Prometheus gets to a proxy's metrics: one route that leads to kuma-dp, which joins those of Envoy and of the workload. Who asks for it, a Mesh or
// a policy, decides on the listener around it.
import {
  type ClusterDraft,
  type FilterChainDraft,
  httpChain,
  pipeAddress,
  prefixRoute,
  routeConfiguration,
  staticCluster,
} from '@ursa/envoy';

/** Where metrics are asked for, and where they are served. */
export interface MetricsAccess {
  readonly names: { readonly listener: string; readonly cluster: string };
  /** Path at the proxy. */
  readonly path: string;
  /** Socket of kuma-dp, and the path there. */
  readonly socket: string;
  readonly servedPath: string;
  /** True when the cluster's statistics have a name of their own. */
  readonly altStatName: boolean;
}

/** A chain for the listener. */
export function metricsChain({ names, path, servedPath }: MetricsAccess): FilterChainDraft {
  const route = prefixRoute({ prefix: path, cluster: names.cluster, prefixRewrite: servedPath });
  const routes = routeConfiguration({ virtualHost: names.listener, routes: [route] });
  return httpChain(names.listener, routes, { trusted: 'local' });
}

/** The cluster that is kuma-dp. */
export function metricsCluster({ names, socket, altStatName }: MetricsAccess): ClusterDraft {
  return staticCluster({ name: names.cluster, altStatName }, [pipeAddress(socket)]);
}
