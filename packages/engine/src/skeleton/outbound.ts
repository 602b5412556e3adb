// Skeleton of an outbound: the listener for one destination and the cluster its traffic goes to. The same for all proxies of a class.
import { create } from '@bufbuild/protobuf';
import { BoolValueSchema } from '@bufbuild/protobuf/wkt';
import {
  addGrpcStatistics,
  addKafkaStatistics,
  type ClusterDraft,
  catchAllRouteName,
  type EnvoyNames,
  endpointsCluster,
  type FilterChainDraft,
  httpChain,
  type ListenerDraft,
  listenerDraft,
  meshClientTls,
  outsideCluster,
  type Protocol,
  prefixRoute,
  routeConfiguration,
  socketAddress,
  tcpChain,
  upstreamHttp,
} from '@ursa/envoy';
import { type HeaderValueOption, HeaderValueOptionSchema } from '@ursa/envoy/gen/envoy/config/core/v3/base_pb.ts';
import { FilterChainSchema } from '@ursa/envoy/gen/envoy/config/listener/v3/listener_components_pb.ts';
import { AdditionalAddressSchema, type Listener } from '@ursa/envoy/gen/envoy/config/listener/v3/listener_pb.ts';
import type { Route } from '@ursa/envoy/gen/envoy/config/route/v3/route_components_pb.ts';
import type { ClusterPlace, OutboundPlace, ProxyPolicy, WeightedCluster } from '@ursa/policy';
import { tagNames } from '@ursa/resources';
import type { Destination, ServiceTls } from '../destinations.ts';
import { meshTlsOf } from '../identity/proxy-tls.ts';
import type { Outbound } from '../outbounds.ts';
import { outsideServers } from '../outside/outside-servers.ts';
import { isHttp } from '../protocol.ts';
import type { ProxyClass } from '../proxy-class.ts';
import { destinationsOf, type Share, spokenProtocol, type Traffic } from '../traffic-path.ts';
import { virtualIpv6 } from '../virtual-ipv6.ts';

/** Name of a destination's cluster, of its endpoints and of its virtual host. */
export function destinationName({ legacyName, kri }: Destination, names: EnvoyNames): string {
  return names.outboundCluster({ legacyName, kri });
}

/** HTTP towards a destination outside of the mesh: what it speaks, and nothing for other protocols. */
function outsideHttp(protocol: Protocol): Pick<ClusterDraft, 'httpOptions'> {
  if (protocol === 'http') return { httpOptions: upstreamHttp(1) };
  return protocol === 'http2' || protocol === 'grpc' ? { httpOptions: upstreamHttp(2) } : {};
}

/** How a proxy of this class speaks TLS to a destination; undefined in plain text. */
export function tlsTowards(
  { tls, workloadTls }: Destination,
  proxyClass: Pick<ProxyClass, 'tls'>,
): ServiceTls | undefined {
  if (proxyClass.tls === undefined) return undefined;
  return proxyClass.tls.issuer === undefined ? tls : workloadTls;
}

/** The cluster of a destination as a place, before any policy has seen it. */
export function clusterSkeleton(destination: Destination, proxyClass: ProxyClass): ClusterPlace {
  const { facts, names, ipv6 } = proxyClass;
  const { protocol, outside } = destination;
  if (outside?.servers !== undefined) {
    const basics = { name: destinationName(destination, names), altStatName: false };
    const servers = outsideServers(outside.servers, { systemCaPath: '' });
    const cluster = { ...outsideCluster(basics, servers, { ipv6 }), ...outsideHttp(protocol) };
    return { proxy: facts, protocol, cluster };
  }
  const towards = tlsTowards(destination, proxyClass);
  const own = proxyClass.tls && meshTlsOf(facts.mesh, proxyClass.tls, names);
  const draft = endpointsCluster(
    destinationName(destination, names),
    towards && own && meshClientTls(own, towards.identities, towards.sni),
  );
  if (outside !== undefined && outside.protocol !== 'unknown') {
    return { proxy: facts, protocol, cluster: { ...draft, ...outsideHttp(protocol) } };
  }
  // Between proxies all HTTP is HTTP/2, whatever the application speaks.
  return { proxy: facts, protocol: outside?.protocol ?? protocol, cluster: { ...draft, httpOptions: upstreamHttp(2) } };
}

function weightedClusters(shares: readonly Share[], names: EnvoyNames): readonly WeightedCluster[] {
  return shares.map(({ destination, weight }) => ({ name: destinationName(destination, names), weight }));
}

function tcpOutboundChain(destination: Destination, traffic: Traffic, { names, kafka }: ProxyClass): FilterChainDraft {
  const name = destinationName(destination, names);
  const clusters = traffic.kind === 'tcp' ? weightedClusters(traffic.shares, names) : [{ name, weight: 1 }];
  const chain = tcpChain(name, clusters);
  if (spokenProtocol(destination, traffic) === 'kafka' && kafka) addKafkaStatistics(chain, name);
  return chain;
}

function routesOf(
  policies: readonly ProxyPolicy[],
  traffic: Traffic,
  cluster: string,
  names: EnvoyNames,
): readonly Route[] {
  const all = prefixRoute({ prefix: '/', cluster, name: catchAllRouteName });
  if (traffic.kind !== 'http') return [all];
  const { routing } = policies.find((policy) => policy.name === traffic.routedBy) ?? {};
  if (routing?.kind !== 'http') return [all];
  const rules = traffic.rules.map(({ name, rule, shares, mirrors }) => ({
    name,
    rule,
    clusters: weightedClusters(shares, names),
    mirrors: mirrors.map((mirror) => mirror && destinationName(mirror, names)),
  }));
  const { routesOf: written } = (traffic.older && routing.older) ?? routing;
  return [...written(rules), ...(traffic.direct ? [all] : [])];
}

/** Servers outside of the mesh are asked by their own name, unless a policy says another. */
function rewriteHosts(routes: readonly Route[], outside: ReadonlySet<string>): void {
  for (const { action } of routes) {
    if (action.case !== 'route' || action.value.hostRewriteSpecifier.case !== undefined) continue;
    const { clusterSpecifier } = action.value;
    const clusters =
      clusterSpecifier.case === 'weightedClusters'
        ? clusterSpecifier.value.clusters.map(({ name }) => name)
        : [String(clusterSpecifier.value)];
    if (!clusters.some((cluster) => outside.has(cluster))) continue;
    action.value.hostRewriteSpecifier = { case: 'autoHostRewrite', value: create(BoolValueSchema, { value: true }) };
  }
}

// Each tag in its own pair of ampersands, so that a service can find one by a pattern.
function tagsHeader(tags: Readonly<Record<string, string>>): HeaderValueOption {
  const value = Object.entries(tags).map(([key, values]) => `&${key}=${values}&`);
  return create(HeaderValueOptionSchema, { header: { key: 'x-kuma-tags', value: value.join('') } });
}

function outboundChain(
  policies: readonly ProxyPolicy[],
  destination: Destination,
  traffic: Traffic,
  proxyClass: ProxyClass,
): FilterChainDraft {
  const protocol = spokenProtocol(destination, traffic);
  const { names, announcedTags } = proxyClass;
  if (!isHttp(protocol) || traffic.kind === 'tcp') return tcpOutboundChain(destination, traffic, proxyClass);
  const cluster = destinationName(destination, names);
  const entries = routesOf(policies, traffic, cluster, names);
  const called = destinationsOf(destination, traffic).filter(({ outside }) => outside !== undefined);
  if (called.length > 0) rewriteHosts(entries, new Set(called.map((each) => destinationName(each, names))));
  const routes = routeConfiguration({
    name: names.outboundRoute(destination),
    virtualHost: cluster,
    routes: entries,
  });
  if (announcedTags !== undefined) routes.requestHeadersToAdd.push(tagsHeader(announcedTags));
  const chain = httpChain(cluster, routes, {
    trusted: 'private',
    manager(manager) {
      manager.normalizePath = true;
    },
  });
  if (protocol === 'grpc') addGrpcStatistics(chain);
  return chain;
}

function listenerTags({ kri, target, source, legacyName }: Destination): Record<string, string> {
  if (kri !== undefined) return { 'kuma.io/unified-name': kri };
  const service = target.kind === 'service' ? target.service : legacyName;
  return { [tagNames.service]: service, ...(source.kind === 'service' ? source.tags : {}) };
}

function outboundListener(
  { address, port, destination }: Outbound,
  { names, calls, virtualIpv6: twins }: ProxyClass,
  chains: readonly FilterChainDraft[],
): ListenerDraft {
  const { legacyName, kri } = destination;
  const name = names.outboundListener({ address, port, legacyName, kri });
  const draft = listenerDraft({
    name,
    ...(names.unified ? { statPrefix: name } : {}),
    address: socketAddress(address, port),
    direction: 'OUTBOUND',
    chains,
    ...(calls === 'redirected' ? { bindToPort: false } : {}),
    // Two proxies of a host that share an address would share its connections, each with its own identity.
    ...(calls === 'bound' ? { reusePort: false } : {}),
    tags: listenerTags(destination),
  });
  if (twins && !address.includes(':')) {
    const twin = create(AdditionalAddressSchema, { address: socketAddress(virtualIpv6(address), port) });
    draft.message.additionalAddresses.push(twin);
  }
  return draft;
}

/** The outbound as a place, before any policy has seen it. */
export function outboundSkeleton(
  policies: readonly ProxyPolicy[],
  outbound: Outbound,
  traffic: Traffic,
  proxyClass: ProxyClass,
): OutboundPlace {
  const { destination } = outbound;
  const chains = [outboundChain(policies, destination, traffic, proxyClass)];
  const listener = outboundListener(outbound, proxyClass, chains);
  const { target } = destination;
  const protocol = spokenProtocol(destination, traffic);
  const name = target.kind === 'service' ? target.service : target.id.name;
  return { proxy: proxyClass.facts, protocol, listener, chains, clusters: [], destination: name, extraClusters: [] };
}

/** The listener of an outbound that leads nowhere: it closes connections at once, so that clients need not wait for a timeout. */
export function closedOutbound(outbound: Outbound, proxyClass: ProxyClass): Listener {
  const { message } = outboundListener(outbound, proxyClass, []);
  message.filterChains = [create(FilterChainSchema)];
  return message;
}
