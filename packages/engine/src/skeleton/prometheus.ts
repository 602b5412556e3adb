// The Prometheus listener that a Mesh asks for (older than MeshMetric): it leads to kuma-dp, which joins the metrics of Envoy and the workload.
import {
  buildCluster,
  buildListener,
  type EnvoyNames,
  type EnvoyResource,
  encodeResource,
  httpChain,
  listenerDraft,
  meshServerTls,
  pipeAddress,
  prefixRoute,
  routeConfiguration,
  socketAddress,
  staticCluster,
} from '@ursa/envoy';
import type { MeshFacts, PrometheusFacts } from '../mesh-facts.ts';

/** Listener and cluster for Prometheus. With mTLS only workloads of the mesh may read them, unless the Mesh says otherwise. */
export function prometheusResources(parts: {
  readonly prometheus: PrometheusFacts;
  readonly mesh: MeshFacts;
  /** Where kuma-dp serves them. */
  readonly socket: string;
  readonly address: string;
  readonly reusePort: boolean;
  readonly names: EnvoyNames;
}): EnvoyResource[] {
  const { names, prometheus, mesh } = parts;
  const cluster = names.metricsCluster;
  const socket = pipeAddress(parts.socket);
  const routes = routeConfiguration({
    virtualHost: names.metricsListener,
    routes: [prefixRoute({ prefix: prometheus.path, cluster, prefixRewrite: '/' })],
  });
  const chain = httpChain(names.metricsListener, routes, { trusted: 'local' });
  if (prometheus.secured) {
    const secrets = { identity: names.identitySecret(mesh.name), trust: names.meshCaSecret(mesh.name) };
    chain.message.transportSocket = meshServerTls(mesh.name, secrets);
  }
  const listener = listenerDraft({
    name: names.metricsListener,
    address: socketAddress(parts.address, prometheus.port),
    direction: 'INBOUND',
    chains: [chain],
    reusePort: parts.reusePort,
  });
  return [
    encodeResource(
      'cluster',
      buildCluster(staticCluster({ name: cluster, altStatName: true }, [socket])),
      'prometheus',
    ),
    encodeResource('listener', buildListener(listener), 'prometheus'),
  ];
}
