// What a workload certificate must say. The engine derives it; the control plane issues it.
import type { Derivation, Graph } from '@ursa/collections';
import { tagNames } from '@ursa/resources';
import type { DataplaneFacts } from './dataplane-facts.ts';
import type { EgressDerivations } from './egress/egress-config.ts';
import type { IdentityRequest } from './engine.ts';
import type { WorkloadIdentities } from './identity/workload-identities.ts';
import type { MeshFacts } from './mesh-facts.ts';

/**
 * `spiffe://<mesh>/<service>` for each service, then `kuma://<tag>/<value>` for each tag, sorted. Identities come first: rules that name them
 * look at the beginning of all names (`@ursa/envoy`, client-match).
 */
function urisOf(facts: DataplaneFacts): string[] {
  const tagSets = [...facts.inbounds.map((inbound) => inbound.tags), facts.gateway?.tags ?? {}];
  const identities = new Set<string>();
  const tagUris = new Set<string>();
  for (const [tag, value] of tagSets.flatMap((tags) => Object.entries(tags))) {
    if (tag === tagNames.service) identities.add(`spiffe://${facts.mesh}/${value}`);
    tagUris.add(`kuma://${tag}/${value}`);
  }
  return [...[...identities].sort(), ...[...tagUris].sort()];
}

/** What requests are derived from. */
export interface IdentityRequestOptions {
  readonly graph: Graph;
  readonly meshFacts: Derivation<readonly [mesh: string], MeshFacts | undefined>;
  readonly dataplane: Derivation<readonly [key: string], DataplaneFacts | undefined>;
  readonly workloadIdentities: WorkloadIdentities;
  readonly egresses: Pick<EgressDerivations, 'identityRequest'>;
}

/**
 * Requests by the key of the certificate: the Dataplane's, or that of an egress and a mesh. Undefined when the mesh has no mTLS and no MeshIdentity
 * for the proxy, and where an agent on the proxy's host issues its certificate.
 */
export function deriveIdentityRequest({
  graph,
  meshFacts,
  dataplane,
  workloadIdentities,
  egresses,
}: IdentityRequestOptions): Derivation<readonly [identityKey: string], IdentityRequest | undefined> {
  return graph.derive('identity request', (key: string): IdentityRequest | undefined => {
    const facts = dataplane.get(key);
    if (facts === undefined) return egresses.identityRequest(key);
    const found = workloadIdentities.of.get(key);
    if (found !== undefined && 'identity' in found) {
      const { name, kri, spiffeId, agentTimeout } = found.identity;
      if (agentTimeout !== undefined) return undefined;
      return { mesh: facts.mesh, proxy: facts.name, backend: kri, meshIdentity: name, uris: [spiffeId] };
    }
    const mtls = meshFacts.get(facts.mesh)?.mtls;
    if (mtls === undefined) return undefined;
    return { mesh: facts.mesh, proxy: facts.name, backend: mtls.backend, uris: urisOf(facts) };
  });
}
