// Parts of a configuration that one proxy has for itself: what it is, and what is built from that and from its rules for inbounds. None of them
// reads a policy: engines that differ in policies only share them.
import type { Derivation, Graph } from '@ursa/collections';
import type { ProxyPolicy } from '@ursa/policy';
import { collectorLookup } from './collectors.ts';
import type { DataplaneFacts } from './dataplane-facts.ts';
import type { EngineInputs } from './engine.ts';
import type { ProxyTls } from './identity/proxy-tls.ts';
import { deriveSecrets } from './identity/secret-resources.ts';
import type { TrustDomains } from './identity/trust-domains.ts';
import type { InboundDefault } from './inbound-modes.ts';
import { deriveInboundShapes } from './inbound-shape.ts';
import type { MeshFacts } from './mesh-facts.ts';
import type { OlderPolicies } from './older-policies.ts';
import {
  deriveAnnouncingClass,
  deriveCollectorClass,
  deriveOwnClass,
  deriveProxyClass,
  deriveTaggedClass,
  type ProxyClass,
  proxySelf,
} from './proxy-class.ts';
import { inboundResources, type Receiver, type Subject, systemResources } from './proxy-parts.ts';
import { sameResources } from './resource-set.ts';
import type { RuleSets } from './rule-views.ts';
import type { Built } from './unbuilt.ts';
import { deriveWorkload } from './workload.ts';

type Resources = readonly Built[];

/** Parts by proxy key. */
export interface OwnParts {
  /** Undefined while the proxy is not connected, or its Dataplane or Mesh does not exist. */
  readonly subject: Derivation<readonly [proxyKey: string], Subject | undefined>;
  /** Listeners and clusters of the inbounds. `rules`: the proxy's own for what it receives. `collectors`: see `ProxyCollectors`. */
  readonly inbounds: Derivation<readonly [proxyKey: string, rules: RuleSets, collectors: string], Resources>;
  /** Listeners for the control plane and for monitoring. */
  readonly system: Derivation<readonly [proxyKey: string], Resources>;
  readonly secrets: Derivation<readonly [proxyKey: string], Resources>;
  /** The class narrowed to one proxy, for listeners that say something of it. */
  withSelf(subject: Pick<Subject, 'dataplane' | 'connected'>, proxyClass: ProxyClass): ProxyClass;
  /** The class narrowed to proxies whose environments name the same collectors, where they name any. */
  withCollectors(proxyClass: ProxyClass, overrides: string): ProxyClass;
  /** The class narrowed to proxies of the same tags. */
  withTags(proxyClass: ProxyClass, dataplane: DataplaneFacts): ProxyClass;
  /** The class narrowed to proxies that tell the same tags to those they call. */
  announcing(proxyClass: ProxyClass, dataplane: DataplaneFacts): ProxyClass;
}

/** What own parts are derived from. */
export interface OwnPartsOptions {
  readonly graph: Graph;
  readonly inputs: EngineInputs;
  readonly policies: readonly ProxyPolicy[];
  readonly meshFacts: Derivation<readonly [mesh: string], MeshFacts | undefined>;
  readonly dataplane: Derivation<readonly [key: string], DataplaneFacts | undefined>;
  readonly proxyTls: Derivation<readonly [mesh: string, proxyKey: string], ProxyTls | undefined>;
  readonly inboundDefaults: Derivation<readonly [mesh: string, proxyKey: string], InboundDefault | undefined>;
  readonly trustDomains: TrustDomains;
  readonly olderPolicies: OlderPolicies;
}

/** Derives the own parts. */
export function deriveOwnParts(options: OwnPartsOptions): OwnParts {
  const { graph, inputs, policies, meshFacts, dataplane, proxyTls, inboundDefaults, olderPolicies } = options;
  const collectors = collectorLookup(inputs);
  const classOf = deriveProxyClass(graph, collectors);
  const withCollectors = deriveCollectorClass(graph, collectors);
  const ownClassOf = deriveOwnClass(graph);
  const workloadOf = deriveWorkload(graph, inputs.settings.zone);
  const shapes = deriveInboundShapes({ graph, policies, olderPolicies });
  const equals = sameResources;
  const subject = graph.derive('proxy', (proxyKey: string): Subject | undefined => {
    const connected = inputs.proxies.get(proxyKey);
    const facts = dataplane.get(proxyKey);
    const mesh = facts && meshFacts.get(facts.mesh);
    if (connected === undefined || facts === undefined || mesh === undefined || !facts.isAddressKnown) return undefined;
    const proxyClass = classOf(connected, facts, mesh, proxyTls.get(mesh.name, proxyKey));
    const inboundDefault = inboundDefaults.get(mesh.name, proxyKey);
    const workload = workloadOf(facts);
    return { key: proxyKey, connected, dataplane: facts, mesh, proxyClass, inboundDefault, workload };
  });
  const receiver = graph.derive('receiver', (proxyKey: string): Receiver | undefined => {
    const found = subject.get(proxyKey);
    if (found === undefined) return undefined;
    const { key, connected, dataplane: facts, proxyClass, inboundDefault, workload } = found;
    return { key, connected, dataplane: facts, proxyClass, inboundDefault, workload };
  });
  const withSelf = (
    { dataplane: facts, connected }: Pick<Subject, 'dataplane' | 'connected'>,
    proxyClass: ProxyClass,
  ) => ownClassOf(proxyClass, proxySelf(facts, connected.workdir));
  return {
    subject,
    inbounds: graph.derive(
      'inbounds',
      (proxyKey: string, rules: RuleSets, overrides: string): Resources => {
        const found = receiver.get(proxyKey);
        if (found === undefined) return [];
        const proxyClass = withCollectors(found.proxyClass, overrides);
        const own = (): ProxyClass => withSelf(found, proxyClass);
        return inboundResources(policies, { ...found, proxyClass }, rules, (site) => shapes(site, own));
      },
      { equals },
    ),
    system: graph.derive(
      'system resources',
      (proxyKey: string): Resources => {
        const found = subject.get(proxyKey);
        return found === undefined ? [] : systemResources(inputs, found);
      },
      { equals },
    ),
    secrets: deriveSecrets(options, subject),
    withSelf,
    withCollectors,
    withTags: deriveTaggedClass(graph),
    announcing: deriveAnnouncingClass(graph),
  };
}
