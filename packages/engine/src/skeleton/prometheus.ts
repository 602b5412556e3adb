// The Prometheus listener that a Mesh asks for (older than MeshMetric): it leads to kuma-dp, which joins the metrics of Envoy and the workload.
import {
  buildCluster,
  buildListener,
  type EnvoyNames,
  type EnvoyResource,
  encodeResource,
  listenerDraft,
  type MeshTls,
  meshServerTls,
  socketAddress,
} from '@ursa/envoy';
import { metricsChain, metricsCluster } from '@ursa/policy';
import type { PrometheusFacts } from '../mesh-facts.ts';

/** Listener and cluster for Prometheus. With mTLS only workloads of the mesh may read them, unless the Mesh says otherwise. */
export function prometheusResources(parts: {
  readonly prometheus: PrometheusFacts;
  /** Mutual TLS of the proxy. */
  readonly tls: MeshTls | undefined;
  /** Where kuma-dp serves them. */
  readonly socket: string;
  readonly address: string;
  readonly reusePort: boolean;
  readonly names: EnvoyNames;
}): EnvoyResource[] {
  const { names, prometheus, tls } = parts;
  const access = {
    names: { listener: names.metricsListener, cluster: names.metricsCluster },
    path: prometheus.path,
    socket: parts.socket,
    servedPath: '/',
    altStatName: true,
  };
  const chain = metricsChain(access);
  if (prometheus.secured && tls !== undefined) chain.message.transportSocket = meshServerTls(tls);
  const listener = listenerDraft({
    name: names.metricsListener,
    address: socketAddress(parts.address, prometheus.port),
    direction: 'INBOUND',
    chains: [chain],
    reusePort: parts.reusePort,
  });
  return [
    encodeResource('cluster', buildCluster(metricsCluster(access)), 'prometheus'),
    encodeResource('listener', buildListener(listener), 'prometheus'),
  ];
}
