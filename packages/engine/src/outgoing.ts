// What a proxy gets for the traffic that it sends. The rules of a class of proxies change with every policy, and what they come to for those that call
// the same services mostly does not: the wave stops here, before the configurations of all proxies of the class are put together again.
import type { WorkloadFacts } from '@ursa/policy';
import { type EndpointSets, sameEndpoints } from './class-parts.ts';
import type { ConfigParts } from './config-parts.ts';
import type { RedirectPorts } from './dataplane-facts.ts';
import { features } from './features.ts';
import type { LeftOut } from './held-back.ts';
import { type InboundModes, inboundModes } from './inbound-modes.ts';
import type { Outbound } from './outbounds.ts';
import { type ProxyClass, pickTags, redirectOf } from './proxy-class.ts';
import type { ProxyCollectorsLookup } from './proxy-collectors.ts';
import type { Subject } from './proxy-parts.ts';
import { sameResources } from './resource-set.ts';
import { endpointTagKeys } from './shaped-endpoints.ts';
import { attempt, type Built } from './unbuilt.ts';
import { namesWorkload } from './workload.ts';

/** What it is derived from. */
export interface OutgoingParts
  extends Pick<
    ConfigParts,
    'graph' | 'policies' | 'own' | 'shared' | 'outbounds' | 'directAccess' | 'rules' | 'permittedServers'
  > {
  readonly collectors: ProxyCollectorsLookup;
}

/** What a proxy gets. `without`: policies that are left out of its configuration. */
export interface Outgoing {
  /** Where it can send to. */
  outboundsOf(subject: Subject, without: LeftOut): readonly Outbound[];
  /** Listeners and clusters. */
  resourcesOf(subject: Subject, without: LeftOut): readonly Built[];
  endpointsOf(subject: Subject, without: LeftOut): EndpointSets;
  /** What of it will not do what its author wanted, for people. */
  warningsOf(subject: Subject, without: LeftOut): readonly string[];
}

/** What the rules of a class of proxies make the configuration of a proxy depend on. */
interface Demands {
  /** The proxy's tags. */
  readonly tags: boolean;
  /** All that is true of this proxy only, in listeners. */
  readonly self: boolean;
  readonly workload: boolean;
  /** Those of its tags that endpoints depend on. */
  readonly endpointTags: readonly string[];
}

const nothing: readonly Built[] = [];

/**
 * Ports on which a workload can be reached past its inbounds, as text: with mTLS only declared ones, where a policy or a
 * MeshIdentity makes an inbound insist on mTLS, or, where none says anything, for proxies that want it so.
 */
function reachablePorts({ connected, dataplane, proxyClass }: Subject, { modes, governed }: InboundModes): string {
  const speaksOfInbounds = governed || proxyClass.tls?.issuer !== undefined;
  const wanted = speaksOfInbounds ? modes.includes('Strict') : connected.features.includes(features.strictInboundPorts);
  if (proxyClass.tls === undefined || !wanted) return 'all';
  const ports = new Set(dataplane.inbounds.map((inbound) => inbound.port));
  return [...ports].join(' ');
}

/** Derives it. */
export function deriveOutgoing(parts: OutgoingParts): Outgoing {
  const { graph, policies, own, shared, outbounds, directAccess, rules, permittedServers, collectors } = parts;
  const equals = sameResources;
  const rulesOf = rules.outboundOfClass;
  const selfPolicies = policies.filter(({ readsSelf }) => readsSelf === true);
  const taggedPolicies = policies.filter(({ readsTags }) => readsTags === true);
  const demands = graph.derive('what rules ask of proxies', (ofClass: string): Demands => {
    const ruleSets = rulesOf.get(ofClass);
    return {
      tags: taggedPolicies.some(({ name }) => ruleSets.has(name)),
      // Most listeners for destinations say nothing of their proxy, and are the same for all of a class.
      self: selfPolicies.some(({ name }) => {
        const ofPolicy = ruleSets.get(name);
        return ofPolicy !== undefined && (ofPolicy.to.size > 0 || ofPolicy.toSubsets.length > 0);
      }),
      workload: namesWorkload(policies, ruleSets),
      endpointTags: endpointTagKeys(policies, ruleSets),
    };
  });
  const called = graph.derive(
    'outbound resources of a class',
    (
      all: readonly Outbound[],
      ofClass: string,
      proxyClass: ProxyClass,
      listenerClass: ProxyClass,
      workload: WorkloadFacts | undefined,
      caller: string | undefined,
    ) => shared.outbounds.get(all, rulesOf.get(ofClass), proxyClass, listenerClass, workload, caller),
    { equals },
  );
  const passthrough = graph.derive(
    'passthrough resources of a class',
    (ofClass: string, proxyClass: ProxyClass, redirect: string, open: boolean, ports: string) =>
      shared.passthrough(rulesOf.get(ofClass), proxyClass, JSON.parse(redirect) as RedirectPorts, open, ports),
    { equals },
  );
  const endpoints = graph.derive(
    'endpoint resources of a class',
    (all: readonly Outbound[], ofClass: string, proxyClass: ProxyClass, callerTags: string) =>
      shared.endpoints.get(all, rulesOf.get(ofClass), proxyClass, callerTags),
    { equals: sameEndpoints },
  );
  const warnings = graph.derive(
    'traffic warnings of a class',
    (all: readonly Outbound[], ofClass: string, proxyClass: ProxyClass) =>
      shared.warnings.get(all, rulesOf.get(ofClass), proxyClass),
  );
  const outboundsOf = ({ key, proxyClass }: Subject, without: LeftOut): readonly Outbound[] =>
    outbounds.outbounds(key, proxyClass.calls, without);
  const redirected = (found: Subject, listenerClass: ProxyClass, without: LeftOut): readonly Built[] => {
    const { key, connected, dataplane: facts, mesh, proxyClass } = found;
    const redirect = redirectOf(connected, facts);
    if (redirect === undefined) return nothing;
    const answersItself = connected.features.includes(features.embeddedDns) || connected.dnsPort === 0;
    const dns = answersItself
      ? nothing
      : shared.envoyDns.get(outbounds.records(key, proxyClass.calls, without), proxyClass, connected.dnsPort);
    const inboundRules = rules.inboundRules.get(key, without);
    const modes = inboundModes(policies, inboundRules, found.inboundDefault, facts.inbounds.length);
    const ports = reachablePorts(found, modes);
    const direct = attempt({ origin: 'direct-access' }, () => directAccess(found, outboundsOf(found, without)));
    const ofClass = rules.classOf.get(key, without);
    const unknown = passthrough.get(ofClass, listenerClass, JSON.stringify(redirect), mesh.passthrough, ports);
    return [...unknown, ...direct, ...dns];
  };
  return {
    outboundsOf,
    resourcesOf(found, without) {
      const { key, dataplane } = found;
      const ofClass = rules.classOf.get(key, without);
      const asked = demands.get(ofClass);
      const calling = asked.tags ? own.withTags(found.proxyClass, dataplane) : found.proxyClass;
      const announces = rules.needsClientTags.get(dataplane.mesh);
      const proxyClass = announces ? own.announcing(calling, dataplane) : calling;
      const { traffic } = collectors.get(key, without);
      const listenerClass = own.withCollectors(asked.self ? own.withSelf(found, proxyClass) : proxyClass, traffic);
      const workload = asked.workload ? found.workload : undefined;
      const caller = permittedServers.callerOf(dataplane, proxyClass.tls !== undefined);
      const all = outboundsOf(found, without);
      return [
        ...called.get(all, ofClass, proxyClass, listenerClass, workload, caller),
        ...redirected(found, listenerClass, without),
      ];
    },
    endpointsOf(found, without) {
      const ofClass = rules.classOf.get(found.key, without);
      const callerTags = JSON.stringify(pickTags(found.dataplane, demands.get(ofClass).endpointTags));
      return endpoints.get(outboundsOf(found, without), ofClass, found.proxyClass, callerTags);
    },
    warningsOf(found, without) {
      const { key, proxyClass } = found;
      const all = outboundsOf(found, without);
      const ofTraffic = warnings.get(all, rules.classOf.get(key, without), proxyClass);
      return proxyClass.calls === 'bound' ? [...ofTraffic, ...outbounds.warnings(key, proxyClass.calls)] : ofTraffic;
    },
  };
}
