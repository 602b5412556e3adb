// Whether the MeshServices of a mesh name the SPIFFE IDs of their proxies. Clients check who answers by what a MeshService says: it must say so before a
// proxy proves itself with another one.
import type { Derivation } from '@ursa/collections';
import type { MeshServiceSpec } from '@ursa/resources';
import type { Place } from '../identity/mesh-identities/identity-authorities.ts';
import type { LiveResources } from '../store/live-resources.ts';
import { isLocal } from './mesh-service-plan.ts';
import { deriveServiceIdentities } from './service-identities.ts';
import { deriveServiceProxies } from './service-proxies.ts';

/** Derives it for all services of the own zone. */
export function deriveServicesKnow(live: LiveResources, place: Place): Derivation<readonly [mesh: string], boolean> {
  const { spiffeIdsOf } = deriveServiceIdentities(live, place);
  const proxiesOf = deriveServiceProxies(live);
  return live.graph.derive('services-know-identities', (mesh: string): boolean =>
    live
      .list('MeshService', mesh)
      .filter((service) => isLocal(service, place.zone))
      .every(({ spec }) => {
        const { selector, identities: known = [] } = spec as MeshServiceSpec;
        const ids = proxiesOf(mesh, selector).flatMap((proxy) => spiffeIdsOf(proxy));
        return ids.every((id) => known.some(({ type, value }) => type === 'SpiffeID' && value === id));
      }),
  );
}
