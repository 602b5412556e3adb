// Paths of resources in the REST API.
import { MeshError, suggestionFor, type TypeHandle } from '@ursa/resources';
import { type KnownType, typeHandles } from './type-handles.ts';

/** `/meshes/<mesh>/<type>` or `/<type>`. */
export function listPath(type: TypeHandle, mesh: string): string {
  return type.scope === 'Mesh' ? `/meshes/${encodeURIComponent(mesh)}/${type.path}` : `/${type.path}`;
}

/** Path of one resource. */
export function resourcePath(type: TypeHandle, mesh: string, name: string): string {
  return `${listPath(type, mesh)}/${encodeURIComponent(name)}`;
}

/** The type a user means by any of its names. The error suggests what is near. */
export function typeNamed(word: string): KnownType {
  const type = typeHandles.byAnyName(word);
  if (type !== undefined) return type;
  const paths = typeHandles.all.map((candidate) => candidate.path);
  throw new MeshError('invalid', `unknown resource type ${JSON.stringify(word)}; ${suggestionFor(word, paths)}`);
}
