// Which MeshIdentity each Dataplane gets its certificate from, and with which SPIFFE ID.
import type { Derivation, Graph } from '@ursa/collections';
import {
  isIdentityReady,
  type MeshIdentitySpec,
  meshIdentityKri,
  parseDuration,
  type Resource,
  selectMeshIdentity,
  spiffeIdOf,
} from '@ursa/resources';
import type { DataplaneFacts } from '../dataplane-facts.ts';
import type { EngineInputs } from '../engine.ts';

/** What a MeshIdentity gives one Dataplane. */
export interface WorkloadIdentity {
  readonly name: string;
  readonly kri: string;
  readonly spiffeId: string;
  readonly trustDomain: string;
  /** Set where an agent on the proxy's host issues it: how long Envoy waits for the agent, in milliseconds. */
  readonly agentTimeout: number | undefined;
}

/** The identity of a Dataplane, or why the MeshIdentity that speaks for it gives it none. */
export type IdentityOfProxy =
  | { readonly identity: WorkloadIdentity }
  | { readonly name: string; readonly problem: string };

/** The name in a certificate. */
export type IssuedName = Pick<WorkloadIdentity, 'spiffeId' | 'trustDomain'>;

/** Identities by the Dataplane's key. */
export interface WorkloadIdentities {
  /** Undefined where no MeshIdentity that is ready speaks for it. */
  readonly of: Derivation<readonly [proxyKey: string], IdentityOfProxy | undefined>;
  /** The MeshIdentities of a mesh that are ready. */
  readonly usable: Derivation<readonly [mesh: string], readonly UsableIdentity[]>;
  /** What it has from a MeshIdentity, given by its KRI; undefined for other issuers. */
  readonly issuedBy: Derivation<readonly [proxyKey: string, issuer: string], IssuedName | undefined>;
}

const agentTimeout = 1000;

/** A MeshIdentity that can be used, without what changes all the time about it. */
export type UsableIdentity = Pick<Resource, 'name' | 'mesh' | 'labels' | 'spec'>;

/** Derives them. */
export function deriveWorkloadIdentities(
  graph: Graph,
  inputs: EngineInputs,
  dataplane: Derivation<readonly [key: string], DataplaneFacts | undefined>,
): WorkloadIdentities {
  const { zone, environment } = inputs.settings;
  const usableOf = graph.derive('usable MeshIdentities', (mesh: string): readonly UsableIdentity[] => {
    const resources = inputs.resources('MeshIdentity');
    const keys = resources.index('mesh', (resource: Resource) => [resource.mesh]).get(mesh);
    return keys.flatMap((key) => {
      const resource = resources.get(key);
      if (resource === undefined || !isIdentityReady(resource)) return [];
      const { name, labels, spec } = resource;
      return { name, mesh, labels, spec };
    });
  });
  const issuedBy = graph.derive('issued SPIFFE ID', (proxyKey: string, issuer: string): IssuedName | undefined => {
    const facts = issuer === '' ? undefined : dataplane.get(proxyKey);
    const identity = facts && usableOf.get(facts.mesh).find((usable) => meshIdentityKri(usable) === issuer);
    if (facts === undefined || identity === undefined) return undefined;
    const context = { mesh: facts.mesh, zone, environment };
    const result = spiffeIdOf(identity.spec as MeshIdentitySpec, facts.labels, context);
    return 'id' in result ? { spiffeId: result.id, trustDomain: result.trustDomain } : undefined;
  });
  const of = graph.derive('workload identity', (proxyKey: string): IdentityOfProxy | undefined => {
    const facts = dataplane.get(proxyKey);
    const usable = facts && usableOf.get(facts.mesh);
    const selected = usable && selectMeshIdentity(usable, facts.labels);
    if (facts === undefined || selected === undefined) return undefined;
    const spec = selected.spec as MeshIdentitySpec;
    const result = spiffeIdOf(spec, facts.labels, { mesh: facts.mesh, zone, environment });
    if ('problem' in result) return { name: selected.name, problem: result.problem };
    const { agent } = spec.provider?.spire ?? {};
    return {
      identity: {
        name: selected.name,
        kri: meshIdentityKri(selected),
        spiffeId: result.id,
        trustDomain: result.trustDomain,
        agentTimeout:
          spec.provider?.type === 'Spire' ? (parseDuration(agent?.timeout ?? '') ?? agentTimeout) : undefined,
      },
    };
  });
  return { of, issuedBy, usable: usableOf };
}
