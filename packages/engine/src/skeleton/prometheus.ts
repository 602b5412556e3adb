// The Prometheus listener that a Mesh asks for (older than MeshMetric): it leads to kuma-dp, which joins the metrics of Envoy and the workload.
import {
  buildCluster,
  buildListener,
  type EnvoyNames,
  type EnvoyResource,
  encodeResource,
  httpChain,
  listenerDraft,
  pipeAddress,
  prefixRoute,
  routeConfiguration,
  socketAddress,
  staticCluster,
} from '@ursa/envoy';
import type { PrometheusFacts } from '../mesh-facts.ts';

/** Listener and cluster for Prometheus. */
export function prometheusResources(parts: {
  readonly prometheus: PrometheusFacts;
  /** Where kuma-dp serves them. */
  readonly socket: string;
  readonly address: string;
  readonly reusePort: boolean;
  readonly names: EnvoyNames;
}): EnvoyResource[] {
  const { names, prometheus } = parts;
  const cluster = names.metricsCluster;
  const socket = pipeAddress(parts.socket);
  const routes = routeConfiguration({
    virtualHost: names.metricsListener,
    routes: [prefixRoute({ prefix: prometheus.path, cluster, prefixRewrite: '/' })],
  });
  const listener = listenerDraft({
    name: names.metricsListener,
    address: socketAddress(parts.address, prometheus.port),
    direction: 'INBOUND',
    chains: [httpChain(names.metricsListener, routes, { trusted: 'local' })],
    reusePort: parts.reusePort,
  });
  return [
    encodeResource('cluster', buildCluster(staticCluster({ name: cluster, altStatName: true }, [socket]))),
    encodeResource('listener', buildListener(listener)),
  ];
}
