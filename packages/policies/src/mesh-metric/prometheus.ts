// Where Prometheus asks a proxy for its metrics: a listener that leads to kuma-dp, which joins those of Envoy and the applications.
import { create } from '@bufbuild/protobuf';
import {
  type FilterChainDraft,
  fileServerTls,
  legacyNames,
  listenerDraft,
  meshServerTls,
  socketAddress,
  unifiedNames,
} from '@ursa/envoy';
import {
  FilterChainMatch_ConnectionSourceType,
  FilterChainMatchSchema,
} from '@ursa/envoy/gen/envoy/config/listener/v3/listener_components_pb.ts';
import { type MetricsAccess, metricsChain, metricsCluster, type ProxyAdditions, type ProxyPlace } from '@ursa/policy';
import { proxySocketPath } from '@ursa/resources';
import { withoutBudget } from './collector.ts';
import type { Prometheus } from './metric-conf.ts';
import { documentPath } from './metrics-document.ts';

/** Listener and cluster of one backend. Where its TLS cannot be had nothing is served: metrics that were to be kept secret stay so. */
export function prometheusResources(backend: Prometheus, place: ProxyPlace): ProxyAdditions {
  const { clientId = 'default-backend', port = 5670, path = '/metrics', tls } = backend;
  const { proxy, self, reusePort } = place;
  const names = (proxy.unifiedNaming ? unifiedNames : legacyNames).metricsOf(clientId);
  const access: MetricsAccess = {
    names,
    path,
    socket: proxySocketPath(self.workdir, 'kuma-mh', { name: self.name, mesh: proxy.mesh }),
    servedPath: documentPath,
    altStatName: !proxy.unifiedNaming,
  };
  const chains = chainsOf(tls?.mode ?? 'Disabled', () => metricsChain(access), place);
  if (typeof chains === 'string') return { warnings: [`MeshMetric: ${chains}`] };
  const listener = listenerDraft({
    name: names.listener,
    ...(proxy.unifiedNaming ? { statPrefix: names.listener } : {}),
    address: socketAddress(self.address, port),
    direction: 'INBOUND',
    chains,
    reusePort,
  });
  const cluster = metricsCluster(access);
  const origin = 'prometheus';
  return { listeners: [{ ...listener, origin }], clusters: [{ ...withoutBudget(cluster), origin }] };
}

type TlsMode = NonNullable<NonNullable<Prometheus['tls']>['mode']>;

/** The chains that serve a backend, or why there are none. */
function chainsOf(mode: TlsMode, chain: () => FilterChainDraft, place: ProxyPlace): FilterChainDraft[] | string {
  const { metricsCertificate, tls } = place;
  if (mode === 'Disabled') return [chain()];
  const secured = chain();
  if (mode === 'ProvidedTLS') {
    if (metricsCertificate === undefined) {
      return 'tls.mode ProvidedTLS needs a certificate: start kuma-dp with --metrics-cert-path and --metrics-key-path';
    }
    secured.message.transportSocket = fileServerTls(metricsCertificate.certificate, metricsCertificate.key);
    return [secured];
  }
  if (tls === undefined)
    return 'tls.mode ActiveMTLSBackend needs mutual TLS: enable an mTLS backend in the Mesh, or create a MeshIdentity that selects the proxy';
  secured.message.transportSocket = meshServerTls(tls);
  // A Prometheus on the proxy's own host is a workload of the mesh already; it has no certificate to show.
  const local = chain();
  local.message.filterChainMatch = create(FilterChainMatchSchema, {
    sourceType: FilterChainMatch_ConnectionSourceType.SAME_IP_OR_LOOPBACK,
  });
  return [local, secured];
}
