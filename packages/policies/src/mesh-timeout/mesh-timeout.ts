// MeshTimeout: how long connections, requests and streams may take, on the way in and on the way out.
import { create } from '@bufbuild/protobuf';
import type { Duration } from '@bufbuild/protobuf/wkt';
import { type ClusterDraft, durationOf, type FilterChainDraft, type Protocol } from '@ursa/envoy';
import { HttpProtocolOptionsSchema as ConnectionOptionsSchema } from '@ursa/envoy/gen/envoy/config/core/v3/protocol_pb.ts';
import type { Route } from '@ursa/envoy/gen/envoy/config/route/v3/route_components_pb.ts';
import { HttpProtocolOptionsSchema } from '@ursa/envoy/gen/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.ts';
import {
  type ConfPlace,
  checkDuration,
  checkPositiveDuration,
  defineProxyPolicy,
  inboundMatches,
  type Report,
} from '@ursa/policy';
import { closed, duration, parseDuration } from '@ursa/resources';
import { type Static, Type } from 'typebox';
import { initialTimeouts } from './initial-timeouts.ts';

const httpConf = closed({
  requestTimeout: Type.Optional(duration('For the whole request and its answer. 0s switches it off. Default 15s.')),
  streamIdleTimeout: Type.Optional(duration('For a stream on which nothing moves. 0s switches it off. Default 30m.')),
  maxStreamDuration: Type.Optional(duration('From the first byte of a stream on. Default 0s, which is off.')),
  maxConnectionDuration: Type.Optional(
    duration('From the opening of a connection on; then it is drained. Default 0s, off.'),
  ),
  requestHeadersTimeout: Type.Optional(duration('For the request headers to arrive. Default 0s, off.')),
});

/** What a MeshTimeout can say. */
export const meshTimeoutConf = closed({
  connectionTimeout: Type.Optional(duration('For opening a connection. Default 5s.')),
  idleTimeout: Type.Optional(duration('For a connection on which nothing moves. 0s switches it off. Default 1h.')),
  http: Type.Optional(httpConf),
});

type Conf = Static<typeof meshTimeoutConf>;

// What holds where a conf leaves a field out.
const connectionTimeout = '5s';
const idleTimeout = '1h';
const requestTimeout = '15s';
const streamIdleTimeout = '30m';
const off = '0s';

/** The policy. */
export const meshTimeout = defineProxyPolicy({
  name: 'MeshTimeout',
  shortName: 'mt',
  summary: 'Bounds how long connections, requests and streams may take.',
  initial: initialTimeouts,
  targetRef: ['Mesh', 'Dataplane', 'MeshSubset', 'MeshGateway', 'MeshService', 'MeshServiceSubset', 'MeshHTTPRoute'],
  to: ['Mesh', 'MeshService', 'MeshExternalService', 'MeshMultiZoneService', 'MeshHTTPRoute'],
  from: ['Mesh'],
  rules: inboundMatches,
  conf: meshTimeoutConf,
  gatewayListenerTags: true,
  toKinds: ({ kind }) =>
    kind === 'MeshHTTPRoute' || kind === 'MeshGateway'
      ? ['Mesh']
      : ['Mesh', 'MeshService', 'MeshExternalService', 'MeshMultiZoneService', 'MeshHTTPRoute'],
  refusesFrom: ({ kind }) => kind === 'MeshHTTPRoute',
  checkConf,
  effectiveOn: { http: ['http', 'http2', 'grpc'], idleTimeout: ['tcp', 'http', 'http2', 'kafka', 'unknown'] },
  fallback: {},
  apply: {
    inbound({ chains, cluster, protocol }, conf) {
      for (const chain of chains) {
        boundChain(chain, protocol, conf);
        if (chain.terminal.kind !== 'http') continue;
        for (const { routes } of chain.terminal.routes.virtualHosts) {
          for (const route of routes) boundRoute(route, conf);
        }
      }
      boundCluster(cluster, protocol, conf);
    },
    outbound({ chains, protocol }, conf) {
      for (const chain of chains) boundChain(chain, protocol, conf);
    },
    cluster({ cluster, protocol }, conf) {
      boundCluster(cluster, protocol, conf);
    },
    route({ route }, conf) {
      boundRoute(route, conf);
    },
  },
});

function boundChain({ terminal }: FilterChainDraft, protocol: Protocol, conf: Conf): void {
  if (terminal.kind === 'tcp') {
    if (protocol !== 'tls') terminal.proxy.idleTimeout = time(conf.idleTimeout, idleTimeout);
    return;
  }
  const { manager } = terminal;
  manager.requestHeadersTimeout = time(conf.http?.requestHeadersTimeout, off);
  // Idle connections are closed on the side of the cluster, where the conf of their destination is known.
  manager.commonHttpProtocolOptions ??= create(ConnectionOptionsSchema);
  manager.commonHttpProtocolOptions.idleTimeout = durationOf(0);
}

function boundCluster(cluster: ClusterDraft, protocol: Protocol, conf: Conf): void {
  cluster.message.connectTimeout = time(conf.connectionTimeout, connectionTimeout);
  if (!(protocol === 'http' || protocol === 'http2' || (protocol === 'grpc' && boundsStreams(conf)))) return;
  cluster.httpOptions ??= create(HttpProtocolOptionsSchema);
  cluster.httpOptions.commonHttpProtocolOptions ??= create(ConnectionOptionsSchema);
  const options = cluster.httpOptions.commonHttpProtocolOptions;
  // gRPC streams are long by nature, and quiet for long: their connections may be idle.
  if (protocol !== 'grpc') options.idleTimeout = time(conf.idleTimeout, idleTimeout);
  options.maxStreamDuration = time(conf.http?.maxStreamDuration, off);
  options.maxConnectionDuration = time(conf.http?.maxConnectionDuration, off);
}

/** True when streams or connections may last only so long. */
function boundsStreams({ http }: Conf): boolean {
  return [http?.maxStreamDuration, http?.maxConnectionDuration].some((given) => (parseDuration(given ?? off) ?? 0) > 0);
}

function boundRoute({ action }: Route, conf: Conf): void {
  if (action.case !== 'route') return;
  action.value.timeout = time(conf.http?.requestTimeout, requestTimeout);
  const streamIdle = conf.http?.streamIdleTimeout;
  if (streamIdle !== undefined || action.value.idleTimeout === undefined) {
    action.value.idleTimeout = time(streamIdle, streamIdleTimeout);
  }
}

function time(given: string | undefined, otherwise: string): Duration {
  return durationOf(parseDuration(given ?? otherwise) ?? 0);
}

function checkConf(conf: Conf, report: Report, { topLevel }: ConfPlace): void {
  const { http } = conf;
  if (conf.connectionTimeout === undefined && conf.idleTimeout === undefined && http === undefined) {
    report.add('', 'at least one timeout should be configured');
    return;
  }
  if (topLevel.kind === 'MeshHTTPRoute') refuseOnRoute(conf, report);
  checkPositiveDuration(report, 'connectionTimeout', conf.connectionTimeout);
  checkDuration(report, 'idleTimeout', conf.idleTimeout);
  if (http === undefined) return;
  const within = report.at('http');
  if (Object.keys(http).length === 0) within.add('', 'at least one timeout in this section should be configured');
  for (const [field, value] of Object.entries(http)) checkDuration(within, field, value);
}

function refuseOnRoute(conf: Conf, report: Report): void {
  const fields: [string, string | undefined][] = [
    ['connectionTimeout', conf.connectionTimeout],
    ['idleTimeout', conf.idleTimeout],
    ['http.maxStreamDuration', conf.http?.maxStreamDuration],
    ['http.maxConnectionDuration', conf.http?.maxConnectionDuration],
  ];
  for (const [field, value] of fields) {
    if (value !== undefined)
      report.add(field, "can't be specified when top-level TargetRef is referencing MeshHTTPRoute");
  }
}
