// How one proxy proves who it is and whom it believes. What comes from a MeshIdentity goes before the mTLS backend of the mesh.
import type { Derivation, Graph } from '@ursa/collections';
import type { EnvoyNames, MeshTls } from '@ursa/envoy';
import { isMeshIdentityKri } from '@ursa/resources';
import type { EngineInputs } from '../engine.ts';
import type { MeshFacts } from '../mesh-facts.ts';
import type { TrustDomains } from './trust-domains.ts';
import type { WorkloadIdentities, WorkloadIdentity } from './workload-identities.ts';

/** Identity and trust of a proxy. Plain data: proxies that are alike in it are of one class. */
export interface ProxyTls {
  /** KRI of the MeshIdentity; undefined: the mesh's backend. */
  readonly issuer: string | undefined;
  /** Where an agent issues it. */
  readonly agent: { readonly spiffeId: string; readonly timeout: number } | undefined;
  /** Whose workloads may be clients and servers, sorted. */
  readonly trustDomains: readonly string[];
}

/** The CA certificates of all trust domains, as a secret; the same in both forms of names. */
export const trustBundleSecret = 'system_trust_bundle';

/** Cluster that leads to the SPIRE agent of the proxy's host; the same in both forms of names. */
export const agentCluster = 'system_identity_sds-spire-agent';

/** Name under which a SPIRE agent hands out the bundles of its own trust domain and of those it is federated with. */
const allBundles = 'ALL';

/** The identity that a proxy proves itself with at the moment. `spiffeId` is what an agent is asked for: without one it says nothing. */
type InForce = Omit<WorkloadIdentity, 'name' | 'trustDomain'> & { readonly trustDomain: string | undefined };

/** What is derived from. */
export interface ProxyTlsOptions {
  readonly graph: Graph;
  readonly inputs: EngineInputs;
  readonly meshFacts: Derivation<readonly [mesh: string], MeshFacts | undefined>;
  readonly workloadIdentities: WorkloadIdentities;
  readonly trustDomains: TrustDomains;
}

/** Identity and trust by the proxy's key; undefined for a proxy that speaks plain text. */
export function deriveProxyTls(
  options: ProxyTlsOptions,
): Derivation<readonly [mesh: string, proxyKey: string], ProxyTls | undefined> {
  const { graph, inputs, meshFacts, workloadIdentities, trustDomains } = options;
  const issuerOf = graph.derive('issuer of the certificate that is there', (proxyKey: string): string | undefined => {
    return inputs.identities.get(proxyKey)?.backend;
  });
  // Who moves from another issuer keeps what it has until the new certificate is there: no moment without one, and none of plain text.
  const inForce = (proxyKey: string): InForce | undefined => {
    const found = workloadIdentities.of.get(proxyKey);
    if (found === undefined || !('identity' in found)) return undefined;
    const { identity } = found;
    const issuer = identity.agentTimeout === undefined ? issuerOf.get(proxyKey) : undefined;
    if (issuer === undefined || issuer === identity.kri) return identity;
    if (!isMeshIdentityKri(issuer)) return undefined;
    // Of one that is gone, its MeshTrust tells the trust domain.
    const held = workloadIdentities.issuedBy.get(proxyKey, issuer);
    return { kri: issuer, spiffeId: '', trustDomain: held?.trustDomain, agentTimeout: undefined };
  };
  // One object for all proxies that are alike: they are of one class by it.
  const shared = graph.derive(
    'identity and trust of a class',
    (
      issuer: string | undefined,
      spiffeId: string,
      agentTimeout: number | undefined,
      domains: readonly string[],
      trustDomain: string | undefined,
    ): ProxyTls => ({
      issuer,
      agent: agentTimeout === undefined ? undefined : { spiffeId, timeout: agentTimeout },
      trustDomains: trustDomain === undefined ? domains : [...new Set([...domains, trustDomain])].sort(),
    }),
  );
  return graph.derive('identity and trust', (mesh: string, proxyKey: string): ProxyTls | undefined => {
    const identity = inForce(proxyKey);
    const domains = trustDomains.names.get(mesh);
    if (identity === undefined) {
      if (meshFacts.get(mesh)?.mtls === undefined) return undefined;
      return shared.get(undefined, '', undefined, domains, undefined);
    }
    const { kri, trustDomain, spiffeId, agentTimeout } = identity;
    // The name counts where an agent is asked for it.
    const name = agentTimeout === undefined ? '' : spiffeId;
    return shared.get(kri, name, agentTimeout, domains, trustDomain);
  });
}

/** Its TLS as Envoy's contexts say it. */
export function meshTlsOf(mesh: string, { issuer, agent, trustDomains }: ProxyTls, names: EnvoyNames): MeshTls {
  if (agent !== undefined) {
    const { spiffeId, timeout } = agent;
    return {
      secrets: { identity: spiffeId, trust: allBundles, agent: { cluster: agentCluster, timeout } },
      trustDomains,
    };
  }
  const secrets =
    issuer === undefined
      ? { identity: names.identitySecret(mesh), trust: names.meshCaSecret(mesh) }
      : { identity: issuer, trust: trustBundleSecret };
  return { secrets, trustDomains };
}
