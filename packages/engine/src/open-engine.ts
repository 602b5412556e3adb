// Wires the engine: every derivation over the inputs, from resources to configurations.
import type { Graph } from '@ursa/collections';
import type { ProxyPolicy } from '@ursa/policy';
import { tagNames } from '@ursa/resources';
import { deriveConfig } from './config.ts';
import { deriveDataplaneFacts } from './dataplane-facts.ts';
import { deriveDestinations } from './destinations.ts';
import { dataplaneLookup, deriveEndpoints } from './endpoints.ts';
import type { Engine, EngineInputs } from './engine.ts';
import { deriveIdentityRequest } from './identity-request.ts';
import { deriveMeshFacts } from './mesh-facts.ts';
import { deriveOutbounds } from './outbounds.ts';
import { deriveRules } from './rules.ts';
import { deriveTraffic } from './traffic.ts';

/** What an engine is opened over. Policies are applied in their order here. */
export interface EngineOptions {
  readonly graph: Graph;
  readonly inputs: EngineInputs;
  readonly policies: readonly ProxyPolicy[];
  /** True to let shadow policies take part, as if they were in force (feature G12). Default false. */
  readonly shadow?: boolean;
}

/** Opens an engine. Nothing is computed before a configuration is read or watched. */
export function openEngine({ graph, inputs, policies, shadow = false }: EngineOptions): Engine {
  const meshFacts = deriveMeshFacts(graph, inputs);
  const dataplane = deriveDataplaneFacts(graph, inputs);
  const lookup = dataplaneLookup(inputs, dataplane);
  const servedBy = (mesh: string, service: string) => lookup.byTag(mesh, tagNames.service, service);
  const destinations = deriveDestinations(graph, inputs, meshFacts, servedBy);
  const outbounds = deriveOutbounds(graph, inputs, meshFacts, dataplane, destinations);
  const endpoints = deriveEndpoints(graph, inputs, lookup);
  const rules = deriveRules({ graph, inputs, policies, dataplane, shadow });
  const traffic = deriveTraffic(
    graph,
    inputs,
    policies,
    destinations,
    (mesh, service) => servedBy(mesh, service).length > 0,
  );
  return {
    config: deriveConfig({ graph, inputs, policies, meshFacts, dataplane, outbounds, endpoints, rules, traffic }),
    identityRequest: deriveIdentityRequest(graph, meshFacts, dataplane),
    rules: rules.ruleSets,
    matchedPolicies: rules.matched,
    affectedDataplanes: rules.affected,
  };
}
