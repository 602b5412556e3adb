// Who zone egresses are in each mesh that they serve: what their certificate says and who issues it, and what clients check.
import type { Derivation, Graph } from '@ursa/collections';
import { labelNames, type MeshIdentitySpec, meshIdentityKri, selectMeshIdentity, trustDomainOf } from '@ursa/resources';
import type { EngineInputs } from '../engine.ts';
import type { MeshFacts } from '../mesh-facts.ts';
import type { WorkloadIdentities } from './workload-identities.ts';

/** Service name of zone egresses: with an mTLS backend their identity in each mesh is `spiffe://<mesh>/zone-egress`. */
export const egressService = 'zone-egress';

/** The path of their SPIFFE ID from a MeshIdentity. Its first segment begins as no value of a label can, so that no template makes it for a workload. */
const egressPath = `/_kuma/${egressService}`;

/** Who issues the certificate of an egress in a mesh, and the SPIFFE ID in it; `problem`: why nobody does, and what to do. */
export type EgressIdentity =
  | { readonly backend: string; readonly meshIdentity?: string; readonly spiffeId: string }
  | { readonly problem: string };

/** Identities of zone egresses, by mesh; the same for all egresses of the zone. */
export interface EgressIdentities {
  readonly of: Derivation<readonly [mesh: string], EgressIdentity>;
  /** SPIFFE IDs by which clients take an egress for one: more than one, so that an egress can move from one issuer to another. */
  readonly names: Derivation<readonly [mesh: string], readonly string[]>;
}

/** What is derived from. */
export interface EgressIdentityOptions {
  readonly graph: Graph;
  readonly inputs: EngineInputs;
  readonly meshFacts: Derivation<readonly [mesh: string], MeshFacts | undefined>;
  readonly workloadIdentities: WorkloadIdentities;
}

/** Derives them. */
export function deriveEgressIdentities(options: EgressIdentityOptions): EgressIdentities {
  const { graph, inputs, meshFacts, workloadIdentities } = options;
  const { zone, environment } = inputs.settings;
  // An egress is of no mesh: it is selected by what is true of all of them.
  const labels = {
    [labelNames.proxyType]: 'zoneegress',
    [labelNames.listenerZoneEgress]: 'enabled',
    [labelNames.zone]: zone,
  };
  const usable = (mesh: string) => workloadIdentities.usable.get(mesh);
  // What an agent issues stands in no hand of the control plane, and clients that have one trust nobody else.
  const issuing = (mesh: string) =>
    usable(mesh).filter(({ spec }) => (spec as MeshIdentitySpec).provider?.type !== 'Spire');
  const spiffeIdIn = (mesh: string, spec: MeshIdentitySpec): string | undefined => {
    const found = trustDomainOf(spec, { mesh, zone, environment });
    return 'problem' in found ? undefined : `spiffe://${found.trustDomain}${egressPath}`;
  };
  return {
    of: graph.derive('identity of egresses', (mesh: string): EgressIdentity => {
      const mtls = meshFacts.get(mesh)?.mtls;
      const selected = selectMeshIdentity(issuing(mesh), labels);
      const spiffeId = selected && spiffeIdIn(mesh, selected.spec as MeshIdentitySpec);
      const ofBackend = mtls && { backend: mtls.backend, spiffeId: `spiffe://${mesh}/${egressService}` };
      if (ofBackend !== undefined && (mtls?.leaving !== true || spiffeId === undefined)) return ofBackend;
      if (selected !== undefined && spiffeId !== undefined) {
        return { backend: meshIdentityKri(selected), meshIdentity: selected.name, spiffeId };
      }
      if (usable(mesh).length === 0) return { problem: withoutMtls };
      return { problem: issuing(mesh).length === 0 ? onlyAgents : unselected };
    }),
    names: graph.derive('names of egresses', (mesh: string): readonly string[] => {
      const ofBackend = meshFacts.get(mesh)?.mtls === undefined ? [] : [`spiffe://${mesh}/${egressService}`];
      const others = issuing(mesh).flatMap(({ spec }) => spiffeIdIn(mesh, spec as MeshIdentitySpec) ?? []);
      return [...ofBackend, ...[...new Set(others)].sort()];
    }),
  };
}

/** Why a proxy cannot use the egresses of a mesh in which only MeshIdentities issue certificates, while none selects it. */
export const clientWithoutIdentity =
  'zone egresses are reached in mTLS only, and this proxy has no identity: have a MeshIdentity select it';

const withoutMtls = 'zone egresses are reached in mTLS only: enable mTLS in the mesh, or give it a MeshIdentity';
const onlyAgents =
  'zone egresses get no certificate from a SPIRE agent: enable mTLS in the mesh, or add a MeshIdentity of the provider Bundled for proxies that call it';
const unselected = `no MeshIdentity of the mesh speaks for zone egresses: let the selector of one take the label ${labelNames.proxyType}=zoneegress (an empty matchLabels takes all)`;
