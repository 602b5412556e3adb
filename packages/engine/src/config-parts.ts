// What configurations are derived from: the derivations that come before them.
import type { Derivation, Graph } from '@ursa/collections';
import type { ProxyPolicy } from '@ursa/policy';
import type { ClassParts } from './class-parts.ts';
import type { DataplaneFacts } from './dataplane-facts.ts';
import type { DirectAccess } from './direct-access.ts';
import type { EgressDerivations } from './egress/egress-config.ts';
import type { EndpointDerivations } from './endpoints.ts';
import type { EngineInputs } from './engine.ts';
import type { ProxyTls } from './identity/proxy-tls.ts';
import type { WorkloadIdentities } from './identity/workload-identities.ts';
import type { InboundDefault } from './inbound-modes.ts';
import type { MeshFacts } from './mesh-facts.ts';
import type { OlderPolicies } from './older-policies.ts';
import type { OutboundLookup } from './outbounds.ts';
import type { PermittedServers } from './outside/permitted-servers.ts';
import type { OwnParts } from './own-parts.ts';
import type { RuleDerivations } from './rules.ts';
import type { TrafficDerivation } from './traffic.ts';

/** Everything that configurations are made of. */
export interface ConfigParts {
  readonly graph: Graph;
  readonly inputs: EngineInputs;
  readonly policies: readonly ProxyPolicy[];
  readonly meshFacts: Derivation<readonly [mesh: string], MeshFacts | undefined>;
  readonly dataplane: Derivation<readonly [key: string], DataplaneFacts | undefined>;
  readonly endpoints: EndpointDerivations;
  readonly traffic: TrafficDerivation;
  readonly workloadIdentities: WorkloadIdentities;
  readonly proxyTls: Derivation<readonly [mesh: string, proxyKey: string], ProxyTls | undefined>;
  readonly inboundDefaults: Derivation<readonly [mesh: string, proxyKey: string], InboundDefault | undefined>;
  readonly olderPolicies: OlderPolicies;
  readonly permittedServers: PermittedServers;
  readonly own: OwnParts;
  readonly shared: ClassParts;
  readonly directAccess: DirectAccess;
  readonly outbounds: OutboundLookup;
  readonly rules: RuleDerivations;
  readonly egresses: EgressDerivations;
}
