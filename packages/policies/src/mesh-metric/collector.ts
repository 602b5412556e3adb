// The way from kuma-dp to an OpenTelemetry collector: a listener on a Unix socket, and the cluster that it leads to.
import {
  addGrpcStatistics,
  type ClusterDraft,
  type EnvoyNames,
  httpChain,
  legacyNames,
  listenerDraft,
  pipeAddress,
  prefixRoute,
  routeConfiguration,
  serverCluster,
  sha256Hex,
  unifiedNames,
  upstreamHttp,
} from '@ursa/envoy';
import type { Collector, ProxyAdditions, ProxyFacts, ProxyPlace } from '@ursa/policy';
import { collectorOf as namedCollector, secureCluster } from '../conf/open-telemetry.ts';
import type { MetricBackend } from './metric-conf.ts';

/** A collector that gets a proxy's metrics. */
export interface MetricCollector extends Collector {
  /** Socket on which kuma-dp reaches it. */
  readonly socket: string;
  /** Between two deliveries, as the policy says it. */
  readonly refreshInterval: string | undefined;
}

// The kernel takes no longer path for a Unix socket.
const longestSocket = 107;

/** The collector of a backend; undefined for backends of other kinds, and when there is no such collector. */
export function collectorOf({ type, openTelemetry }: MetricBackend, place: ProxyPlace): MetricCollector | undefined {
  if (type !== 'OpenTelemetry' || openTelemetry === undefined) return undefined;
  const { refreshInterval } = openTelemetry;
  const found = namedCollector(openTelemetry, place.proxy, 'metrics');
  if (found === undefined) return undefined;
  const { workdir } = place.self;
  const socket = `${workdir}/kuma-otel-${found.name}.sock`;
  const short = `${workdir}/kuma-otel-${sha256Hex(found.name).slice(0, 16)}.sock`;
  return { ...found, socket: socket.length > longestSocket ? short : socket, refreshInterval };
}

/** Listener and cluster of a collector. */
export function collectorResources(collector: MetricCollector, { proxy, workload }: ProxyPlace): ProxyAdditions {
  const name = namesOf(proxy).metricsCollector(collector.name);
  const route = prefixRoute({ prefix: '/', cluster: name });
  const chain = httpChain(name, routeConfiguration({ virtualHost: name, routes: [route] }), { trusted: 'local' });
  const grpc = collector.protocol === 'grpc';
  if (grpc) addGrpcStatistics(chain);
  const listener = listenerDraft({
    name,
    ...(proxy.unifiedNaming ? { statPrefix: name } : {}),
    address: pipeAddress(collector.socket),
    chains: [chain],
  });
  const cluster = serverCluster({ name, altStatName: !proxy.unifiedNaming }, collector, workload);
  secureCluster(cluster, collector);
  return { listeners: [listener], clusters: [withoutBudget({ ...cluster, httpOptions: upstreamHttp(grpc ? 2 : 1) })] };
}

/** What remains of a cluster's budget of connections is told of destinations only, not of clusters for metrics. */
export function withoutBudget(draft: ClusterDraft): ClusterDraft {
  delete draft.message.circuitBreakers;
  return draft;
}

function namesOf({ unifiedNaming }: ProxyFacts): EnvoyNames {
  return unifiedNaming ? unifiedNames : legacyNames;
}
