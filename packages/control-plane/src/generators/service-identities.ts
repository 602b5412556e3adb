// The SPIFFE IDs of the proxies of services: those that they have, as long as they have them, and those that they are about to get, so that clients
// know them before.
import {
  type IdentityContext,
  isIdentityReady,
  type MeshIdentitySpec,
  meshIdentityKri,
  type Resource,
  selectMeshIdentity,
  spiffeIdOf,
} from '@ursa/resources';
import type { LiveResources } from '../store/live-resources.ts';

/** What proxies may prove that they are. */
export interface ServiceIdentities {
  /** SPIFFE IDs of a proxy: one, or two while it moves from one MeshIdentity to another. */
  spiffeIdsOf(proxy: IdentifiedProxy): readonly string[];
  /** True when an agent on the proxy's host gives it its certificate, of which the control plane hears nothing. */
  hasAgent(proxy: IdentifiedProxy): boolean;
}

/** A proxy, and who issued the certificate that it has taken. */
export interface IdentifiedProxy {
  readonly dataplane: Pick<Resource, 'mesh' | 'labels'>;
  readonly issuedBackend: string;
}

type Usable = Pick<Resource, 'name' | 'spec'> & { readonly kri: string; readonly ready: boolean };

/** Derives them. */
export function deriveServiceIdentities(live: LiveResources, place: Omit<IdentityContext, 'mesh'>): ServiceIdentities {
  // Statuses change more often than what is read of them.
  const usableOf = live.graph.derive('identities-of-services', (mesh: string): readonly Usable[] =>
    live
      .list('MeshIdentity', mesh)
      .filter(({ spec }) => (spec as MeshIdentitySpec).provider !== undefined)
      .map((resource) => {
        const { name, spec } = resource;
        return { name, spec, kri: meshIdentityKri(resource), ready: isIdentityReady(resource) };
      }),
  );
  const current = ({ mesh, labels }: Pick<Resource, 'mesh' | 'labels'>): Usable | undefined =>
    selectMeshIdentity(
      usableOf.get(mesh).filter(({ ready }) => ready),
      labels,
    );
  return {
    spiffeIdsOf({ dataplane, issuedBackend }) {
      const { mesh, labels } = dataplane;
      const usable = usableOf.get(mesh);
      const inUse = usable.find(({ kri }) => kri === issuedBackend);
      const all = new Set([inUse, current(dataplane), selectMeshIdentity(usable, labels)]);
      const ids = [...all].flatMap((identity) => {
        if (identity === undefined) return [];
        const { spec } = identity;
        const result = spiffeIdOf(spec as MeshIdentitySpec, labels, { mesh, ...place });
        return 'id' in result ? [result.id] : [];
      });
      return [...new Set(ids)].sort();
    },
    hasAgent: ({ dataplane }) => (current(dataplane)?.spec as MeshIdentitySpec | undefined)?.provider?.type === 'Spire',
  };
}
