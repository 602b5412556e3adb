// Filter chains: HTTP chains that end in a router, TCP chains that end in a TCP proxy.
import { create } from '@bufbuild/protobuf';
import { KafkaBrokerSchema } from '../gen/contrib/envoy/extensions/filters/network/kafka_broker/v3/kafka_broker_pb.ts';
import {
  type Filter,
  FilterChainSchema,
  FilterSchema,
} from '../gen/envoy/config/listener/v3/listener_components_pb.ts';
import type { RouteConfiguration } from '../gen/envoy/config/route/v3/route_pb.ts';
import { FilterConfigSchema } from '../gen/envoy/extensions/filters/http/grpc_stats/v3/config_pb.ts';
import { RouterSchema } from '../gen/envoy/extensions/filters/http/router/v3/router_pb.ts';
import {
  type HttpConnectionManager,
  HttpConnectionManagerSchema,
  type HttpFilter,
  HttpFilterSchema,
} from '../gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts';
import {
  TcpProxy_WeightedClusterSchema,
  TcpProxySchema,
} from '../gen/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.ts';
import type { FilterChainDraft, FilterStage } from './draft.ts';
import { pack } from './messages.ts';
import { statName } from './names.ts';
import { once } from './once.ts';

/** The order of the stages in a chain. */
const stages: readonly FilterStage[] = [
  'fault',
  'accessLog',
  'authentication',
  'authorization',
  'rateLimit',
  'protocol',
  'route',
];

/** Addresses whose `x-forwarded-for` is believed. */
const localOnly = [{ addressPrefix: '127.0.0.1', prefixLen: 32 }];
const privateNetworks = [
  { addressPrefix: '10.0.0.0', prefixLen: 8 },
  { addressPrefix: '192.168.0.0', prefixLen: 16 },
  { addressPrefix: '172.16.0.0', prefixLen: 12 },
  ...localOnly,
];

function staged<Item extends { readonly stage: FilterStage }>(filters: readonly Item[]): Item[] {
  return filters.toSorted((first, second) => stages.indexOf(first.stage) - stages.indexOf(second.stage));
}

/** An HTTP filter from its packed configuration. */
export function httpFilter(name: string, typedConfig: ReturnType<typeof pack>): HttpFilter {
  return create(HttpFilterSchema, { name, configType: { case: 'typedConfig', value: typedConfig } });
}

/** A network filter from its packed configuration. */
export function networkFilter(name: string, typedConfig: ReturnType<typeof pack>): Filter {
  return create(FilterSchema, { name, configType: { case: 'typedConfig', value: typedConfig } });
}

// Without configuration of their own these filters are the same everywhere.
const routerFilter = once(() => httpFilter('envoy.filters.http.router', pack(RouterSchema, create(RouterSchema))));
const grpcStatistics = once(() =>
  httpFilter(
    'envoy.filters.http.grpc_stats',
    pack(FilterConfigSchema, create(FilterConfigSchema, { emitFilterState: true })),
  ),
);

/** An HTTP chain. `manager` holds what differs from Envoy's defaults. */
export function httpChain(
  statPrefix: string,
  routes: RouteConfiguration,
  options: { readonly trusted: 'local' | 'private'; readonly manager?: (manager: HttpConnectionManager) => void },
): FilterChainDraft {
  const cidrRanges = options.trusted === 'local' ? localOnly : privateNetworks;
  const manager = create(HttpConnectionManagerSchema, {
    statPrefix: statName(statPrefix),
    internalAddressConfig: { cidrRanges },
  });
  options.manager?.(manager);
  return {
    message: create(FilterChainSchema),
    networkFilters: [],
    terminal: { kind: 'http', manager, httpFilters: [], routes },
  };
}

/** A TCP chain towards one cluster, or several that share the connections by weight. */
export function tcpChain(
  statPrefix: string,
  clusters: string | readonly { readonly name: string; readonly weight: number }[],
): FilterChainDraft {
  const [only, ...others] = typeof clusters === 'string' ? [{ name: clusters, weight: 1 }] : clusters;
  const proxy = create(TcpProxySchema, {
    statPrefix: statName(statPrefix),
    clusterSpecifier: { case: 'cluster', value: only?.name ?? '' },
  });
  if (only !== undefined && others.length > 0) {
    const value = create(TcpProxy_WeightedClusterSchema, { clusters: [only, ...others] });
    proxy.clusterSpecifier = { case: 'weightedClusters', value };
  }
  return { message: create(FilterChainSchema), networkFilters: [], terminal: { kind: 'tcp', proxy } };
}

/** Counts gRPC calls by method. */
export function addGrpcStatistics(chain: FilterChainDraft): void {
  if (chain.terminal.kind === 'http') chain.terminal.httpFilters.push({ stage: 'protocol', filter: grpcStatistics() });
}

/** Counts Kafka requests by kind. Only for Envoys that were built with this extension. */
export function addKafkaStatistics(chain: FilterChainDraft, statPrefix: string): void {
  const config = create(KafkaBrokerSchema, { statPrefix: statName(statPrefix) });
  const filter = networkFilter('envoy.filters.network.kafka_broker', pack(KafkaBrokerSchema, config));
  chain.networkFilters.push({ stage: 'protocol', filter });
}

function terminalFilter({ terminal }: FilterChainDraft): Filter {
  if (terminal.kind === 'tcp')
    return networkFilter('envoy.filters.network.tcp_proxy', pack(TcpProxySchema, terminal.proxy));
  const { manager, httpFilters, routes } = terminal;
  manager.httpFilters = [...staged(httpFilters).map(({ filter }) => filter), routerFilter()];
  manager.routeSpecifier = { case: 'routeConfig', value: routes };
  return networkFilter('envoy.filters.network.http_connection_manager', pack(HttpConnectionManagerSchema, manager));
}

/** Packs a chain. The draft is spent: its message is the result. */
export function buildFilterChain(draft: FilterChainDraft): FilterChainDraft['message'] {
  draft.message.filters = [...staged(draft.networkFilters).map(({ filter }) => filter), terminalFilter(draft)];
  return draft.message;
}
