// Paths of resources in the REST API.
import { MeshError, type ResourceType, type ResourceTypes } from '@ursa/resources';

/** `/meshes/<mesh>/<type>` or `/<type>`. */
export function listPath(type: ResourceType, mesh: string): string {
  return type.scope === 'Mesh' ? `/meshes/${encodeURIComponent(mesh)}/${type.path}` : `/${type.path}`;
}

/** Path of one resource. */
export function resourcePath(type: ResourceType, mesh: string, name: string): string {
  return `${listPath(type, mesh)}/${encodeURIComponent(name)}`;
}

/** The type a user means by any of its names. The error suggests what is near. */
export function typeNamed(types: ResourceTypes, word: string): ResourceType {
  const type = types.byAnyName(word);
  if (type !== undefined) return type;
  const near = types.all
    .filter((candidate) => candidate.path.startsWith(word.slice(0, 6).toLowerCase()))
    .map((candidate) => candidate.path);
  throw new MeshError(
    'invalid',
    `unknown resource type "${word}"${near.length > 0 ? `; did you mean ${near.slice(0, 4).join(', ')}?` : ''}. "kumactl get --help" lists the types`,
  );
}
