// Proxies of one class get the same configuration for the same outbound. The class holds all that outbounds may depend on of a proxy.
import type { Derivation, Graph } from '@ursa/collections';
import { type EnvoyNames, legacyNames, unifiedNames } from '@ursa/envoy';
import type { ProxyFacts, ProxySelf } from '@ursa/policy';
import { formatKri, labelNames, tagNames } from '@ursa/resources';
import type { CollectorLookup, CollectorOverrides } from './collectors.ts';
import type { DataplaneFacts, RedirectPorts } from './dataplane-facts.ts';
import type { ConnectedProxy } from './engine.ts';
import { features, kafkaExtension } from './features.ts';
import type { ProxyTls } from './identity/proxy-tls.ts';
import type { MeshFacts } from './mesh-facts.ts';
import type { CallMode } from './reach/call-mode.ts';

/** A class of proxies. Derived: equal ones are one object. */
export interface ProxyClass {
  readonly facts: ProxyFacts;
  readonly names: EnvoyNames;
  /** True when packets are redirected to the proxy, so that its listeners need no ports of their own. */
  readonly transparent: boolean;
  readonly calls: CallMode;
  /** True when its virtual addresses are served as IPv6 too. */
  readonly virtualIpv6: boolean;
  /** Tags that the proxy tells the services it calls; undefined where none asks for them. */
  readonly announcedTags?: Readonly<Record<string, string>>;
  readonly reusePort: boolean;
  /** Undefined where it speaks plain text. */
  readonly tls: ProxyTls | undefined;
  /** True when this Envoy can count Kafka requests. */
  readonly kafka: boolean;
  /** True when the proxy's own address is an IPv6 address, so that it can reach others. */
  readonly ipv6: boolean;
}

/** Ports that packets are redirected to; undefined for a proxy without transparent proxying. */
export function redirectOf(connected: ConnectedProxy, dataplane: DataplaneFacts): RedirectPorts | undefined {
  const { transparentProxy } = connected;
  if (transparentProxy !== undefined) {
    const { enabled, inboundPort, outboundPort, ipFamilyMode } = transparentProxy;
    return !enabled ? undefined : { inbound: inboundPort, outbound: outboundPort, ipv6: ipFamilyMode !== 'ipv4' };
  }
  if (dataplane.redirect !== undefined) return dataplane.redirect;
  return connected.features.includes(features.transparentProxy)
    ? { inbound: 15006, outbound: 15001, ipv6: true }
    : undefined;
}

function callMode(redirected: boolean, announced: readonly string[]): CallMode {
  if (redirected) return 'redirected';
  return announced.includes(features.bindOutbounds) ? 'bound' : 'explicit';
}

/** How the proxy's workload calls others. */
export function callModeOf(connected: ConnectedProxy, dataplane: DataplaneFacts): CallMode {
  return callMode(redirectOf(connected, dataplane) !== undefined, connected.features);
}

function kindOf(dataplane: DataplaneFacts): ProxyFacts['kind'] {
  return dataplane.gateway === undefined ? 'sidecar' : `${dataplane.gateway.kind}-gateway`;
}

/** Unified names need a mesh whose services all are resources: others have no KRI. */
export function hasUnifiedNames(connected: ConnectedProxy, mesh: MeshFacts): boolean {
  return connected.features.includes(features.unifiedNaming) && mesh.meshServices === 'Exclusive';
}

/** Finds the class of a proxy. */
export function deriveProxyClass(
  graph: Graph,
  collectors: CollectorLookup,
): (connected: ConnectedProxy, dataplane: DataplaneFacts, mesh: MeshFacts, tls: ProxyTls | undefined) => ProxyClass {
  const proxyClass: Derivation<
    readonly [
      mesh: string,
      kind: ProxyFacts['kind'],
      features: string,
      tls: ProxyTls | undefined,
      unified: boolean,
      transparent: boolean,
      kafka: boolean,
      ipv6: boolean,
    ],
    ProxyClass
  > = graph.derive('proxy class', (mesh, kind, announced, tls, unified, transparent, kafka, ipv6) => {
    const list = announced === '' ? [] : announced.split(' ');
    return {
      facts: {
        ...{ mesh, kind, features: list, unifiedNaming: unified, collectorOf: collectors(mesh) },
        mtls: tls !== undefined,
        workloadIdentity: tls?.issuer !== undefined,
      },
      tls,
      names: unified ? unifiedNames : legacyNames,
      transparent,
      calls: callMode(transparent, list),
      virtualIpv6: transparent && list.includes(features.virtualIpv6),
      reusePort: list.includes(features.reusePort),
      kafka,
      ipv6,
    };
  });
  return (connected, dataplane, mesh, tls) =>
    proxyClass.get(
      mesh.name,
      kindOf(dataplane),
      connected.features.toSorted().join(' '),
      tls,
      hasUnifiedNames(connected, mesh),
      redirectOf(connected, dataplane) !== undefined,
      connected.extensions.length === 0 || connected.extensions.includes(kafkaExtension),
      dataplane.address.includes(':'),
    );
}

/** Finds the class of proxies whose environments name the same collectors. `overrides`: JSON, or '' where they name none. */
export function deriveCollectorClass(
  graph: Graph,
  collectors: CollectorLookup,
): (proxyClass: ProxyClass, overrides: string) => ProxyClass {
  const sending: Derivation<readonly [proxyClass: ProxyClass, overrides: string], ProxyClass> = graph.derive(
    'class of proxies with collectors of their own',
    (proxyClass, text) => {
      const { facts } = proxyClass;
      const collectorOf = collectors(facts.mesh, JSON.parse(text) as CollectorOverrides);
      return { ...proxyClass, facts: { ...facts, collectorOf } };
    },
  );
  return (proxyClass, overrides) => (overrides === '' ? proxyClass : sending.get(proxyClass, overrides));
}

/** Finds the class of a proxy whose outbounds also depend on its tags. Most do not, and share more without. */
export function deriveTaggedClass(graph: Graph): (proxyClass: ProxyClass, dataplane: DataplaneFacts) => ProxyClass {
  const tagged: Derivation<readonly [proxyClass: ProxyClass, tags: string], ProxyClass> = graph.derive(
    'tagged proxy class',
    (proxyClass, text) => {
      const tags = JSON.parse(text) as Readonly<Record<string, string>>;
      return { ...proxyClass, facts: { ...proxyClass.facts, tags } };
    },
  );
  return (proxyClass, dataplane) => tagged.get(proxyClass, JSON.stringify(joinedTags(dataplane)));
}

/** Finds the class of a proxy that tells its tags to the services it calls. */
export function deriveAnnouncingClass(graph: Graph): (proxyClass: ProxyClass, dataplane: DataplaneFacts) => ProxyClass {
  const announcing: Derivation<readonly [proxyClass: ProxyClass, tags: string], ProxyClass> = graph.derive(
    'announcing proxy class',
    (proxyClass, text) => ({ ...proxyClass, announcedTags: JSON.parse(text) as Readonly<Record<string, string>> }),
  );
  return (proxyClass, dataplane) => announcing.get(proxyClass, JSON.stringify(joinedTags(dataplane)));
}

/** Tags of all inbounds and of the gateway, with their values sorted. */
export function tagValues({ inbounds, gateway }: DataplaneFacts): Readonly<Record<string, readonly string[]>> {
  const values = new Map<string, Set<string>>();
  for (const tags of [...inbounds.map((inbound) => inbound.tags), gateway?.tags ?? {}]) {
    for (const [key, value] of Object.entries(tags)) values.set(key, (values.get(key) ?? new Set()).add(value));
  }
  const sorted = [...values].sort(([first], [second]) => (first < second ? -1 : 1));
  return Object.fromEntries(sorted.map(([key, set]) => [key, [...set].sort()]));
}

function joinedTags(dataplane: DataplaneFacts): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(tagValues(dataplane)).map(([key, values]) => [key, values.join(',')]));
}

/** Those of a proxy's tags that have one of the keys. */
export function pickTags(dataplane: DataplaneFacts, keys: readonly string[]): Readonly<Record<string, string>> {
  if (keys.length === 0) return {};
  return Object.fromEntries(Object.entries(joinedTags(dataplane)).filter(([key]) => keys.includes(key)));
}

/** Finds a class for one proxy alone, for listeners that say something of it. */
export function deriveOwnClass(graph: Graph): (proxyClass: ProxyClass, self: ProxySelf) => ProxyClass {
  const own: Derivation<readonly [proxyClass: ProxyClass, self: string], ProxyClass> = graph.derive(
    'class of one proxy',
    (proxyClass, self) => ({ ...proxyClass, facts: { ...proxyClass.facts, self: JSON.parse(self) as ProxySelf } }),
  );
  return (proxyClass, self) => own.get(proxyClass, JSON.stringify(self));
}

/** What is true of one proxy only. */
export function proxySelf(
  { name, address, labels, mesh, inbounds, gateway }: DataplaneFacts,
  workdir: string,
): ProxySelf {
  const services = [gateway?.tags[tagNames.service], ...inbounds.map(({ service }) => service)];
  const zone = labels[labelNames.zone] ?? '';
  const workload = labels[labelNames.workload] ?? '';
  const namespace = labels[labelNames.namespace] ?? '';
  return {
    name,
    address,
    service: services.find((service) => service !== undefined && service !== '') ?? 'unknown',
    zone,
    workload: workload === '' ? '' : formatKri({ type: 'wl', mesh, zone, namespace, name: workload, section: '' }),
    workdir,
  };
}
