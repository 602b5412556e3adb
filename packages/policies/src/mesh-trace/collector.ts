// The collector that a MeshTrace names: where it is, and the cluster that leads to it.
import {
  type ClusterDraft,
  hostPort,
  legacyNames,
  serverCluster,
  type TraceCollector,
  unifiedNames,
  unverifiedTls,
  upstreamHttp,
} from '@ursa/envoy';
import type { Collector as OpenTelemetryCollector, ProxyFacts, ProxyPlace } from '@ursa/policy';
import { collectorOf as namedCollector, secureCluster } from '../conf/open-telemetry.ts';
import type { TraceBackend, TraceConf } from './trace-conf.ts';

/** A collector. */
export interface Collector {
  readonly kind: TraceCollector;
  readonly backend: TraceBackend;
  /** As the policy gives it. */
  readonly address: string;
  readonly server: Server;
  /** For OpenTelemetry. */
  readonly openTelemetry?: OpenTelemetryCollector;
}

/** Where a collector is. */
export interface Server {
  readonly tls: boolean;
  readonly host: string;
  readonly port: number;
  /** Host and port as they were given: a default port is not among them. */
  readonly authority: string;
  /** Without its query. */
  readonly path: string;
}

/** Reads `http://host:port/path`; scheme, port and path may be left out. Undefined when it is not an address. */
export function parseServer(address: string): Server | undefined {
  const parts = /^(?:(https?):\/\/)?((\[[0-9a-f:.]+\]|[^\s/:[\]]+)(?::(\d{1,5}))?)(\/[^\s?#]*)?(?:[?#]\S*)?$/i.exec(
    address,
  );
  if (parts === null) return undefined;
  const [, scheme = 'http', authority = '', host = '', givenPort, path = '/'] = parts;
  const tls = scheme.toLowerCase() === 'https';
  const port = givenPort === undefined ? (tls ? 443 : 80) : Number(givenPort);
  if (port < 1 || port > 65535) return undefined;
  return { tls, host: host.replace(/^\[(.*)\]$/, '$1'), port, authority, path };
}

/** The collector of a conf; undefined when it names none, or one that is not there. */
export function collectorOf({ backends = [] }: TraceConf, proxy: ProxyFacts): Collector | undefined {
  const [backend] = backends;
  if (backend === undefined) return undefined;
  const { type, zipkin, datadog, openTelemetry } = backend;
  const found = (kind: TraceCollector, address = ''): Collector | undefined => {
    const server = parseServer(address);
    return server && { kind, backend, address, server };
  };
  if (type === 'Zipkin') return found('zipkin', zipkin?.url);
  if (type === 'Datadog') return found('datadog', datadog?.url);
  if (openTelemetry === undefined) return undefined;
  const collector = namedCollector(openTelemetry, proxy, 'traces');
  if (collector === undefined) return undefined;
  const { name, host, port, path } = collector;
  const { endpoint = name } = openTelemetry;
  const server = { tls: /^https:/i.test(endpoint), host, port, authority: hostPort(host, port), path };
  return { kind: 'opentelemetry', backend, address: endpoint, server, openTelemetry: collector };
}

/** Name of the cluster that leads to a collector. */
export function collectorName({ kind, address }: Collector, { unifiedNaming }: ProxyFacts): string {
  return (unifiedNaming ? unifiedNames : legacyNames).traceCollector(kind, address);
}

/** The cluster that leads to a collector. */
export function collectorCluster(collector: Collector, { proxy, workload }: ProxyPlace): ClusterDraft {
  const { server } = collector;
  const basics = { name: collectorName(collector, proxy), altStatName: !proxy.unifiedNaming };
  const draft = serverCluster(basics, server, workload);
  if (server.tls) draft.message.transportSocket = unverifiedTls(server.host);
  if (collector.openTelemetry === undefined) return draft;
  secureCluster(draft, collector.openTelemetry);
  return { ...draft, httpOptions: upstreamHttp(collector.openTelemetry.protocol === 'grpc' ? 2 : 1) };
}
