// Backends of routes: the destinations that references in route policies mean.
import { labelsMatch, type PolicyHead, provenance, refersTo } from '@ursa/policy';
import { type BackendRef, displayNameOf, type Resource } from '@ursa/resources';
import type { Destination, DestinationDerivations } from './destinations.ts';
import type { EngineInputs } from './engine.ts';

/** True when an inbound has the name as its service tag. */
export type ServedCheck = (mesh: string, service: string) => boolean;

/** Backends by reference, in the place of the policy that refers to them; undefined when there is no such backend. */
export interface BackendLookup {
  backendOf(head: PolicyHead, ref: BackendRef): Destination | undefined;
  /** The same for backends that get copies of requests. */
  mirrorOf(head: PolicyHead, ref: BackendRef): Destination | undefined;
}

/** Finds the destinations that references of route policies mean. */
export function backendLookup(
  inputs: EngineInputs,
  destinations: DestinationDerivations,
  isServed: ServedCheck,
): BackendLookup {
  const meshServiceKey = keyLookup(inputs, 'MeshService');
  const multiZoneServiceKey = keyLookup(inputs, 'MeshMultiZoneService');
  const externalServiceKey = keyLookup(inputs, 'MeshExternalService');

  const backendOf = (head: PolicyHead, ref: BackendRef): Destination | undefined => {
    const { kind, name = '', port, tags = {} } = ref;
    if (kind === 'MeshServiceSubset') return destinations.subset.get(head.mesh, name, JSON.stringify(tags));
    if (kind === 'MeshMultiZoneService') {
      const key = multiZoneServiceKey(head, ref);
      return key === undefined ? undefined : destinations.multiZoneService.destination.get(key, port ?? 0, false);
    }
    if (kind === 'MeshExternalService') {
      const key = externalServiceKey(head, ref);
      return key === undefined ? undefined : destinations.meshExternalService(key, port ?? 0);
    }
    if (kind !== 'MeshService') return undefined;
    // Without a port the name is that of a service known by its tag.
    if (port === undefined) return name === '' ? undefined : destinations.service.get(head.mesh, name);
    const key = meshServiceKey(head, ref);
    return key === undefined ? undefined : destinations.meshService.get(key, port, false);
  };
  // The peers know the destinations of copies by their tag, whatever the port: the last resort where no MeshService is meant.
  const mirrorOf = (head: PolicyHead, ref: BackendRef): Destination | undefined => {
    const { kind, name = '' } = ref;
    const byTag = kind === 'MeshService' && isServed(head.mesh, name);
    return backendOf(head, ref) ?? (byTag ? destinations.service.get(head.mesh, name) : undefined);
  };
  return { backendOf, mirrorOf };
}

/** Finds the resource of a kind that a reference means. */
function keyLookup(inputs: EngineInputs, type: string): (head: PolicyHead, ref: BackendRef) => string | undefined {
  const services = inputs.resources(type);
  const nameIndex = services.index('display name', (resource: Resource) => [
    `${resource.mesh} ${displayNameOf(resource)}`,
  ]);
  const meshIndex = services.index('mesh', (resource: Resource) => [resource.mesh]);
  return (head, ref) => {
    const { mesh } = head;
    if (ref.labels !== undefined) {
      const { labels } = ref;
      return meshIndex.get(mesh).find((key) => labelsMatch(labels, services.get(key)?.labels ?? {}));
    }
    return nameIndex.get(`${mesh} ${ref.name}`).find((key) => {
      const resource = services.get(key);
      return resource !== undefined && refersTo(head, ref, provenance(resource));
    });
  };
}
