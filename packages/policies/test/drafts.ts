// Small drafts of Envoy resources, to show to hooks.
import { create } from '@bufbuild/protobuf';
import {
  type ClusterDraft,
  endpointsCluster,
  type FilterChainDraft,
  httpChain,
  listenerDraft,
  type Protocol,
  prefixRoute,
  routeConfiguration,
  socketAddress,
  tcpChain,
} from '@ursa/envoy';
import { RouteSchema } from '@ursa/envoy/gen/envoy/config/route/v3/route_components_pb.ts';
import type {
  InboundPlace,
  OutboundPlace,
  PolicyHead,
  ProxyFacts,
  ProxyPlace,
  RoutePlace,
  WorkloadFacts,
} from '@ursa/policy';
import { policyHead } from '@ursa/policy';

const secrets = { identity: 'identity_cert:secret:default', trust: 'mesh_ca:secret:default' };
const proxy: ProxyFacts = {
  mesh: 'default',
  kind: 'sidecar',
  features: [],
  mtls: true,
  workloadIdentity: false,
  unifiedNaming: false,
};

function chainFor(protocol: Protocol): FilterChainDraft {
  if (protocol === 'tcp' || protocol === 'tls') return tcpChain('some', 'web');
  const routes = [prefixRoute({ prefix: '/', cluster: 'web' })];
  return httpChain('some', routeConfiguration({ virtualHost: 'web', routes }), { trusted: 'local' });
}

const listener = (chains: readonly FilterChainDraft[]) =>
  listenerDraft({ name: 'inbound:192.0.2.1:80', address: socketAddress('192.0.2.1', 80), chains });

/** A cluster. */
export function clusterDraft(name = 'web'): ClusterDraft {
  return endpointsCluster(name);
}

/** An inbound with one chain, on which clients prove who they are unless `authenticated` is false. */
export function inboundPlace(protocol: Protocol, authenticated = true): InboundPlace & { chain: FilterChainDraft } {
  const chain = chainFor(protocol);
  const chains = [chain];
  const authenticatedChains = authenticated ? chains : [];
  return {
    ...{ proxy, protocol, tags: {}, listener: listener(chains), chains, authenticatedChains },
    listenerName: 'inbound:192.0.2.1:80',
    cluster: clusterDraft(),
    extraClusters: [],
    chain,
  };
}

/** An outbound with one chain and one cluster. */
export function outboundPlace(protocol: Protocol): OutboundPlace & { chain: FilterChainDraft } {
  const chain = chainFor(protocol);
  const chains = [chain];
  const drafts = { listener: listener(chains), chains, clusters: [clusterDraft()], extraClusters: [] };
  return { proxy, protocol, destination: 'web', ...drafts, chain };
}

/** One route of an outbound. */
export function routePlace(protocol: Protocol): RoutePlace {
  const chain = chainFor(protocol);
  const route = prefixRoute({ prefix: '/', cluster: 'web' });
  const drafts = { route: create(RouteSchema, route), chain, extraClusters: [] };
  return { proxy, protocol, destination: 'web', ofRoute: true, ...drafts };
}

/** A proxy itself. */
export function proxyPlace(facts: Partial<ProxyFacts> = {}, workload: Partial<WorkloadFacts> = {}): ProxyPlace {
  const self = {
    ...{ name: 'web-1', address: '192.0.2.1', service: 'web', zone: 'east', workload: '', workdir: '/tmp/kuma-dp' },
  };
  return {
    proxy: { ...proxy, self, ...facts },
    self,
    workload: { service: 'web', zone: 'east', kri: undefined, ipv6: false, ...workload },
    tags: { 'kuma.io/service': ['web'], version: ['v1', 'v2'] },
    metricsCertificate: undefined,
    tls: facts.mtls === false ? undefined : { secrets, trustDomains: ['default'] },
    reusePort: true,
  };
}

/** Head of a policy, for rules that hooks get. */
export function headOf(type: string, name: string): PolicyHead {
  const time = '2026-01-01T00:00:00Z';
  const times = { creationTime: time, modificationTime: time, version: 1 };
  return policyHead({ type, mesh: 'default', name, labels: {}, spec: {}, ...times });
}
