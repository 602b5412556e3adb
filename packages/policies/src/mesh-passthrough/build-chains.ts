// Builds the planned filter chains, and the clusters that they send traffic to: where it was going.
import { create } from '@bufbuild/protobuf';
import {
  type ClusterDraft,
  type EnvoyNames,
  type FilterChainDraft,
  httpChain,
  originalDestinationCluster,
  prefixRoute,
  tcpChain,
  upstreamHttp,
} from '@ursa/envoy';
import { CidrRangeSchema } from '@ursa/envoy/gen/envoy/config/core/v3/address_pb.ts';
import {
  type FilterChainMatch,
  FilterChainMatchSchema,
} from '@ursa/envoy/gen/envoy/config/listener/v3/listener_components_pb.ts';
import {
  RouteSchema,
  type VirtualHost,
  VirtualHostSchema,
} from '@ursa/envoy/gen/envoy/config/route/v3/route_components_pb.ts';
import { RouteConfigurationSchema } from '@ursa/envoy/gen/envoy/config/route/v3/route_pb.ts';
import type { ChainPlan } from './chain-plan.ts';
import { requestProtocols } from './passthrough-conf.ts';

/** Sent to a client that asks for another host. */
const noMatch =
  'This response comes from Kuma Sidecar. No routes matched this domain - check configuration of your MeshPassthrough policy.\n';

/** A chain with the clusters it needs. */
export interface BuiltChain {
  readonly chain: FilterChainDraft;
  readonly clusters: readonly ClusterDraft[];
}

function chainMatch({ protocol, port, network, serverName }: ChainPlan): FilterChainMatch {
  const match = create(FilterChainMatchSchema);
  if (protocol === 'tls') match.transportProtocol = 'tls';
  // Who waits for the first bytes of a MySQL client to find that out waits forever.
  else if (protocol !== 'mysql') match.transportProtocol = 'raw_buffer';
  if (requestProtocols.has(protocol)) match.applicationProtocols = ['http/1.1', 'h2c'];
  if (port !== undefined) match.destinationPort = port;
  if (serverName !== undefined) match.serverNames = [serverName];
  if (network !== undefined) {
    match.prefixRanges = [create(CidrRangeSchema, { addressPrefix: network.address, prefixLen: network.length })];
  }
  return match;
}

function clusterFor(name: string, { protocol }: ChainPlan): ClusterDraft {
  const draft = originalDestinationCluster({ name, altStatName: true });
  if (protocol === 'http2' || protocol === 'grpc') draft.httpOptions = upstreamHttp(2);
  return draft;
}

/** Spellings of a host in the `Host` header, which may name the port. */
function spellings(host: string, port: number | undefined): string[] {
  if (port !== undefined) return [host, `${host}:${port}`];
  return host.startsWith('*') ? [host] : [host, `${host}:*`];
}

function virtualHosts(plan: ChainPlan, clusterName: (value: string) => string): VirtualHost[] {
  const host = (value: string, domains: string[]): VirtualHost =>
    create(VirtualHostSchema, {
      name: value,
      domains,
      routes: [prefixRoute({ prefix: '/', cluster: clusterName(value) })],
    });
  if (plan.value !== undefined) return [host(plan.value, ['*'])];
  const hosts = plan.hosts.map((value) => host(value, spellings(value, plan.port)));
  if (plan.hosts.includes('*')) return hosts.map((item) => (item.name === '*' ? { ...item, domains: ['*'] } : item));
  const refusal = create(RouteSchema, {
    match: { pathSpecifier: { case: 'prefix', value: '/' } },
    action: {
      case: 'directResponse',
      value: { status: 503, body: { specifier: { case: 'inlineString', value: noMatch } } },
    },
  });
  return [...hosts, create(VirtualHostSchema, { name: 'no_match', domains: ['*'], routes: [refusal] })];
}

/** Builds a planned chain. */
export function buildChain(plan: ChainPlan, names: EnvoyNames): BuiltChain {
  const protocol = plan.protocol === 'mysql' ? 'tcp' : plan.protocol;
  const nameOf = (value: string | undefined) => names.outside(protocol, value, plan.port);
  const name = nameOf(plan.value);
  const values = plan.value === undefined ? plan.hosts : [plan.value];
  const routes = () => create(RouteConfigurationSchema, { name, virtualHosts: virtualHosts(plan, nameOf) });
  const chain = requestProtocols.has(protocol)
    ? httpChain(name, routes(), { trusted: 'private' })
    : tcpChain(name, name);
  chain.message.name = name;
  chain.message.filterChainMatch = chainMatch(plan);
  return { chain, clusters: values.map((value) => clusterFor(nameOf(value), plan)) };
}
