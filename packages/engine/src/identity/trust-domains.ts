// The trust domains of a mesh: those of its MeshTrusts, and its own while it has an mTLS backend.
import type { Derivation, Graph } from '@ursa/collections';
import type { TrustDomain } from '@ursa/envoy';
import type { MeshTrustSpec, Resource } from '@ursa/resources';
import type { EngineInputs } from '../engine.ts';
import type { MeshFacts } from '../mesh-facts.ts';

/** Trust domains by mesh. */
export interface TrustDomains {
  /** Names, sorted: workloads of these may be clients and servers. */
  readonly names: Derivation<readonly [mesh: string], readonly string[]>;
  /** The same with their CA certificates; the mesh's own is left out until its certificates are there. */
  readonly bundles: Derivation<readonly [mesh: string], readonly TrustDomain[]>;
  /** True when workloads of other trust domains than the mesh's own take part. */
  readonly several: Derivation<readonly [mesh: string], boolean>;
}

/** Derives them. */
export function deriveTrustDomains(
  graph: Graph,
  inputs: EngineInputs,
  meshFacts: Derivation<readonly [mesh: string], MeshFacts | undefined>,
): TrustDomains {
  const trusts = graph.derive('MeshTrusts', (mesh: string): readonly TrustDomain[] => {
    const resources = inputs.resources('MeshTrust');
    const keys = resources.index('mesh', (resource: Resource) => [resource.mesh]).get(mesh);
    return [...keys].sort().flatMap((key) => {
      const spec = resources.get(key)?.spec as MeshTrustSpec | undefined;
      if (spec === undefined) return [];
      return { name: spec.trustDomain, certificates: joined(spec.caBundles.map(({ pem }) => pem?.value ?? '')) };
    });
  });
  const ownOf = graph.derive('trust domain of the mesh', (mesh: string) => meshFacts.get(mesh)?.mtls !== undefined);
  const merged = (domains: readonly TrustDomain[]): readonly TrustDomain[] =>
    [...Map.groupBy(domains, ({ name }) => name)]
      .map(([name, same]) => ({ name, certificates: joined(same.map(({ certificates }) => certificates)) }))
      .sort((first, second) => (first.name < second.name ? -1 : 1));
  return {
    names: graph.derive('names of trust domains', (mesh: string) => {
      const own = ownOf.get(mesh) ? [mesh] : [];
      return [...new Set([...own, ...trusts.get(mesh).map(({ name }) => name)])].sort();
    }),
    bundles: graph.derive('trust domains', (mesh: string) => {
      const own = ownOf.get(mesh) ? inputs.trust.get(mesh) : undefined;
      return merged([
        ...(own === undefined ? [] : [{ name: mesh, certificates: own.certificates }]),
        ...trusts.get(mesh),
      ]);
    }),
    several: graph.derive('has MeshTrusts', (mesh: string) => trusts.get(mesh).length > 0),
  };
}

/** PEM texts, one after the other. A certificate that several name counts once. */
function joined(texts: readonly string[]): string {
  const ended = texts.filter((text) => text !== '').map((text) => (text.endsWith('\n') ? text : `${text}\n`));
  return [...new Set(ended)].join('');
}
