// Wires the engine: every derivation over the inputs, from resources to configurations.
import type { Graph } from '@ursa/collections';
import { olderRouteTypes, type ProxyPolicy } from '@ursa/policy';
import { tagNames } from '@ursa/resources';
import { deriveClassParts } from './class-parts.ts';
import { deriveConfig } from './config.ts';
import { deriveDataplaneFacts } from './dataplane-facts.ts';
import { deriveDestinations } from './destinations.ts';
import { deriveDirectAccess } from './direct-access.ts';
import { deriveEgressConfigs } from './egress/egress-config.ts';
import { dataplaneLookup, deriveEndpoints } from './endpoints.ts';
import type { Engine, EngineInputs } from './engine.ts';
import { explainWith } from './explain/explain.ts';
import { provenNames } from './explain/explain-parts.ts';
import { presumeConnected } from './explain/presumed.ts';
import { deriveEgressIdentities } from './identity/egress-identity.ts';
import { deriveProxyTls } from './identity/proxy-tls.ts';
import { deriveTrustDomains } from './identity/trust-domains.ts';
import { deriveWorkloadIdentities } from './identity/workload-identities.ts';
import { deriveIdentityRequest } from './identity-request.ts';
import { deriveInboundDefaults } from './inbound-modes.ts';
import { findingsOf } from './lint/findings.ts';
import { idleFindings } from './lint/idle-findings.ts';
import { referenceFindings } from './lint/reference-findings.ts';
import { deriveMeshFacts } from './mesh-facts.ts';
import { deriveOlderPolicies } from './older-policies.ts';
import { deriveOutbounds, type OutboundLookup } from './outbounds.ts';
import { derivePermittedServers } from './outside/permitted-servers.ts';
import { deriveEgresses } from './outside/zone-egresses.ts';
import { overlayInputs, type ResourceDrafts } from './overlay-inputs.ts';
import { deriveOwnParts } from './own-parts.ts';
import { deriveAdmission } from './reach/admission.ts';
import type { CallMode } from './reach/call-mode.ts';
import { derivePermittedOutbounds } from './reach/permitted-outbounds.ts';
import { createRuleViews } from './rule-views.ts';
import { deriveRules, type RuleDerivations } from './rules.ts';
import { deriveStrictInbounds } from './strict-inbounds.ts';
import { deriveTraffic } from './traffic.ts';

/** What an engine is opened over. Policies are applied in their order here. */
export interface EngineOptions {
  readonly graph: Graph;
  readonly inputs: EngineInputs;
  readonly policies: readonly ProxyPolicy[];
  /** True to let shadow policies take part, as if they were in force (feature G12). Default false. */
  readonly shadow?: boolean;
}

/** An engine that can also be asked what would be. */
export interface OpenEngine extends Engine {
  /** An engine over the same inputs in which drafts have happened. What they cannot touch is shared with this one, not derived again. */
  whatIf(drafts: ResourceDrafts): Engine;
}

/** Opens an engine. Nothing is computed before a configuration is read or watched. */
export function openEngine(options: EngineOptions): OpenEngine {
  return openOver(options, deriveSurroundings(options));
}

/** What does not depend on the policies in force (they come in as arguments): meshes, Dataplanes, services, who listens where. */
type Surroundings = ReturnType<typeof deriveSurroundings>;

function deriveSurroundings(
  { graph, inputs, policies }: EngineOptions,
  dataplane = deriveDataplaneFacts(graph, inputs),
) {
  const meshFacts = deriveMeshFacts(graph, inputs);
  const lookup = dataplaneLookup(inputs, dataplane);
  const servedBy = (mesh: string, service: string) => lookup.byTag(mesh, tagNames.service, service);
  const egresses = deriveEgresses(graph, inputs);
  const workloadIdentities = deriveWorkloadIdentities(graph, inputs, dataplane);
  const trustDomains = deriveTrustDomains(graph, inputs, meshFacts);
  const proxyTls = deriveProxyTls({ graph, inputs, meshFacts, workloadIdentities, trustDomains });
  const inboundDefaults = deriveInboundDefaults({ graph, meshFacts, proxyTls });
  const egressIdentities = deriveEgressIdentities({ graph, inputs, meshFacts, workloadIdentities });
  const destinations = deriveDestinations({
    graph,
    inputs,
    meshFacts,
    workloadIdentities,
    servedBy,
    egresses,
    egressIdentities,
  });
  const outbounds = deriveOutbounds(graph, inputs, meshFacts, dataplane, destinations);
  const membersOf = (key: string) => destinations.multiZoneService.members.get(key);
  const endpoints = deriveEndpoints({ graph, inputs, policies, lookup, membersOf, egresses });
  const isServed = (mesh: string, service: string) => servedBy(mesh, service).length > 0;
  const traffic = deriveTraffic(graph, inputs, policies, destinations, isServed);
  const directAccess = deriveDirectAccess({ graph, inputs, dataplane, lookup });
  const olderPolicies = deriveOlderPolicies(graph, inputs);
  const own = deriveOwnParts({
    graph,
    inputs,
    policies,
    meshFacts,
    dataplane,
    proxyTls,
    inboundDefaults,
    trustDomains,
    olderPolicies,
  });
  const permittedServers = derivePermittedServers(graph, inputs, policies, olderPolicies);
  const shared = deriveClassParts({ graph, policies, endpoints, traffic, permittedServers });
  const views = createRuleViews();
  const identity = { workloadIdentities, trustDomains, proxyTls, inboundDefaults, egressIdentities };
  return {
    meshFacts,
    dataplane,
    olderPolicies,
    permittedServers,
    ...identity,
    directAccess,
    outbounds,
    endpoints,
    traffic,
    own,
    shared,
    views,
  };
}

function openOver(options: EngineOptions, surroundings: Surroundings, knownRules?: RuleDerivations): OpenEngine {
  const { graph, inputs, policies, shadow = false } = options;
  const { meshFacts, dataplane, workloadIdentities, trustDomains, egressIdentities, olderPolicies, views } =
    surroundings;
  const rules = knownRules ?? deriveRules({ graph, inputs, policies, dataplane, views, shadow });
  const egresses = deriveEgressConfigs({
    graph,
    inputs,
    policies,
    meshFacts,
    trustDomains,
    egressIdentities,
    rules,
    olderPolicies,
  });
  const identityRequest = deriveIdentityRequest({ graph, meshFacts, dataplane, workloadIdentities, egresses });
  const outbounds = outboundsFor(options, surroundings, rules, identityRequest);
  const parts = { graph, inputs, policies, rules, egresses, ...surroundings, outbounds };
  const { config, resourcesWithout, heldBack, leftOut, unusable, faults, collectorRefs, unsentTo } =
    deriveConfig(parts);
  const strictInbounds = deriveStrictInbounds({ ...parts, heldBack, resourcesWithout });
  const inForce = graph.derive(
    'rules in force',
    (proxyKey: string) => rules.ruleSets.get(proxyKey, leftOut.get(proxyKey)),
    { equals: Object.is },
  );
  const matched = graph.derive(
    'matched policies',
    (type: string, proxyKey: string) => inForce.get(proxyKey).get(type)?.matched ?? [],
  );
  const outboundRules = { get: (proxyKey: string) => rules.outboundRules.get(proxyKey, leftOut.get(proxyKey)) };
  const identityKeys = graph.derive(
    'identity keys',
    (proxyKey: string) => egresses.identityKeys(proxyKey) ?? [proxyKey],
  );
  const explainParts = {
    ...parts,
    rules: { ruleSets: inForce, outboundRules, matched, ofExternalService: rules.ofExternalService },
    outbounds: (proxyKey: string, calls: CallMode) => outbounds.outbounds(proxyKey, calls, leftOut.get(proxyKey)),
    unpermitted: surroundings.outbounds.outbounds,
    config,
    identityRequest,
    heldBack: leftOut,
    unusable,
  };
  return {
    config,
    strictInbounds,
    identityKeys,
    egressMeshes: egresses.services.meshes,
    identityRequest,
    rules: inForce,
    gatewayRules: rules.ofGateway,
    matchedPolicies: matched,
    resourcesWithout,
    heldBack: leftOut,
    unusable,
    faultOf: faults.of,
    collectorRefs,
    unsentTo,
    affectedDataplanes: rules.affected,
    whatIf(drafts) {
      const changed = { ...options, inputs: overlayInputs(inputs, drafts) };
      const policyTypes = new Set([...policies.map(({ name }) => name), ...olderRouteTypes(policies)]);
      const types = [...drafts.keys()];
      if (types.every((type) => policyTypes.has(type)))
        return openOver(changed, { ...surroundings, views: createRuleViews(views) });
      // Whom policies select, and what a Dataplane is, is not read from its Mesh.
      if (types.every((type) => type === 'Mesh'))
        return openOver(changed, deriveSurroundings(changed, dataplane), rules);
      return openOver(changed, deriveSurroundings(changed));
    },
    explain: explainWith(explainParts, () => {
      const changed = { ...options, inputs: presumeConnected(inputs) };
      return openOver(changed, deriveSurroundings(changed)).explain;
    }),
    findings: (mesh) => findingsOf(explainParts, mesh),
    referenceFindings: (policy) => referenceFindings(explainParts, policy),
    idleFindings: (policy) =>
      idleFindings(explainParts, policy, rules.affected.get(policy.type, policy.mesh, policy.name)),
  };
}

/** What proxies get of all outbounds: everything, or only what lets them in. */
function outboundsFor(
  { graph, inputs, policies }: EngineOptions,
  {
    meshFacts,
    dataplane,
    proxyTls,
    endpoints,
    traffic,
    workloadIdentities,
    olderPolicies,
    outbounds: all,
  }: Surroundings,
  rules: RuleDerivations,
  identityRequest: Engine['identityRequest'],
): OutboundLookup {
  if (!inputs.settings.autoReachableServices) {
    return {
      outbounds: (proxyKey, calls) => all.outbounds.get(proxyKey, calls),
      records: (proxyKey, calls) => all.records.get(proxyKey, calls),
      warnings: (proxyKey, calls) => all.warnings.get(proxyKey, calls),
    };
  }
  const gates = { graph, inputs, policies, meshFacts, dataplane, proxyTls, endpoints, rules, olderPolicies };
  const admission = deriveAdmission(gates);
  const identityOf = (proxyKey: string) => provenNames({ workloadIdentities, identityRequest }, proxyKey);
  return derivePermittedOutbounds({ graph, policies, dataplane, all, admission, traffic, identityOf, rules });
}
