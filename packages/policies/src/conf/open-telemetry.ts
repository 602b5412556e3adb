// What the policies that send to an OpenTelemetry collector share: naming the collector, and the advice to do it by reference.

import { type ClusterDraft, durationOf, hostPort, outsideTlsSocket } from '@ursa/envoy';
import type { Collector, ProxyFacts, Report, Signal } from '@ursa/policy';
import { closed, condition, isIp, isIpv6, oneOf, stringMap } from '@ursa/resources';
import { type Static, Type } from 'typebox';
import { isPort } from './locations.ts';

/** Refers to a MeshOpenTelemetryBackend. */
export const backendResourceRef = closed({
  kind: oneOf('MeshOpenTelemetryBackend'),
  name: Type.Optional(Type.String()),
  labels: Type.Optional(stringMap()),
});

/** Status of a policy that may refer to collectors: whether they were found. */
export const collectorStatus = closed({ conditions: Type.Optional(Type.Array(condition)) });

/** The collectors that backends refer to. */
export function collectorRefs({
  backends = [],
}: {
  readonly backends?: readonly { readonly openTelemetry?: { readonly backendRef?: BackendResourceRef } }[];
}): readonly BackendResourceRef[] {
  return backends.flatMap(({ openTelemetry }) => openTelemetry?.backendRef ?? []);
}

type BackendResourceRef = Static<typeof backendResourceRef>;

/** Checks that the collector is named once, and the reference with it. */
export function checkCollector(
  report: Report,
  { endpoint = '', backendRef }: { readonly endpoint?: string; readonly backendRef?: BackendResourceRef },
): void {
  if (backendRef === undefined) {
    if (endpoint === '') report.add('', 'openTelemetry must have exactly one defined: endpoint, backendRef');
    else if (/[/?#]/.test(endpoint)) report.add('endpoint', 'must be in host:port format, not a URL');
    else if (!isEndpoint(endpoint)) {
      report.add('endpoint', 'must be a host, with or without a port from 1 to 65535, such as otel-collector:4317');
    }
    return;
  }
  if (endpoint !== '') {
    report.add('', 'openTelemetry must have only one type defined: endpoint, backendRef');
    return;
  }
  const named = backendRef.name !== undefined && backendRef.name !== '';
  const labelled = Object.keys(backendRef.labels ?? {}).length > 0;
  if (named === labelled) {
    report.add('backendRef', `backendRef must have ${named ? 'only one type' : 'exactly one'} defined: name, labels`);
  }
}

function isEndpoint(text: string): boolean {
  if (isIpv6(text)) return true;
  const [, address, host = '', port] = /^(?:\[([^\]]*)\]|([^:[\]]+))(?::(.*))?$/s.exec(text) ?? [];
  const isHost = address === undefined ? /^[^\s\p{Cc}]{1,254}$/u.test(host) : isIpv6(address);
  return isHost && isPort(port);
}

/** Warning for collectors given by address. */
export const endpointAdvice =
  'openTelemetry.endpoint is deprecated, use openTelemetry.backendRef with a MeshOpenTelemetryBackend resource instead';

/** The warning, when any of the backends names its collector by address. */
export function warnAboutEndpoints(
  backends: readonly { readonly openTelemetry?: { readonly endpoint?: string } }[],
): readonly string[] {
  return backends.some((backend) => (backend.openTelemetry?.endpoint ?? '') !== '') ? [endpointAdvice] : [];
}

const usualPort = 4317;

/** The collector at an address, which is spoken to by gRPC. */
function endpointCollector(address: string): Collector | undefined {
  const endpoint = isIpv6(address) ? `[${address}]` : address;
  const [, host = '', port] = /^(?:https?:\/\/)?(\[[^\]]*\]|[^/:]+)(?::(\d{1,5}))?(?:\/.*)?$/.exec(endpoint) ?? [];
  if (host === '') return undefined;
  return {
    name: address.replaceAll('/', '').replaceAll(':', '-'),
    host: host.replace(/^\[(.*)\]$/, '$1'),
    port: port === undefined ? usualPort : Number(port),
    protocol: 'grpc',
    path: '',
  };
}

/** The collector that a backend means, by its address or by reference; undefined when there is none. */
export function collectorOf(
  { endpoint = '', backendRef }: { readonly endpoint?: string; readonly backendRef?: BackendResourceRef },
  proxy: ProxyFacts,
  signal: Signal,
): Collector | undefined {
  return backendRef === undefined ? endpointCollector(endpoint) : proxy.collectorOf?.(backendRef, signal);
}

/** Lets a cluster speak TLS with its collector, where that one wants it. */
export function secureCluster(draft: ClusterDraft, { host, tls }: Collector): void {
  if (tls === undefined) return;
  const { trusted, client } = tls;
  draft.message.transportSocket = outsideTlsSocket({
    serverName: isIp(host) ? '' : host,
    allowRenegotiation: false,
    trusted: { file: trusted },
    names: [{ kind: 'exact', value: host }],
    client: client && { certificate: { file: client.certificate }, key: { file: client.key } },
    versions: {},
  });
}

/** How Envoy speaks to a collector, through its cluster. */
export function collectorService(
  { protocol, host, port, path, tls, timeout }: Collector,
  cluster: string,
  signal: 'logs' | 'traces',
) {
  if (protocol === 'grpc') {
    const targetSpecifier = { case: 'envoyGrpc' as const, value: { clusterName: cluster } };
    return { grpcService: { targetSpecifier, ...(timeout === undefined ? {} : { timeout: durationOf(timeout) }) } };
  }
  const uri = `${tls === undefined ? 'http' : 'https'}://${hostPort(host, port)}${path}/v1/${signal}`;
  return {
    httpService: {
      httpUri: {
        uri,
        httpUpstreamType: { case: 'cluster' as const, value: cluster },
        timeout: durationOf(timeout ?? usualTimeout),
      },
    },
  };
}

const usualTimeout = 10_000;
