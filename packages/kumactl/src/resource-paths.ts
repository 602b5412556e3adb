// Paths of resources in the REST API.
import { createResourceTypes, MeshError, suggestionFor, type TypeHandle } from '@ursa/resources';
import { fetchTypes } from './server-types.ts';
import type { Session } from './session.ts';
import { type KnownType, typeHandles } from './type-handles.ts';

/** `/meshes/<mesh>/<type>` or `/<type>`. */
export function listPath(type: TypeHandle, mesh: string): string {
  return type.scope === 'Mesh' ? `/meshes/${encodeURIComponent(mesh)}/${type.path}` : `/${type.path}`;
}

/** Path of one resource. */
export function resourcePath(type: TypeHandle, mesh: string, name: string): string {
  return `${listPath(type, mesh)}/${encodeURIComponent(name)}`;
}

/** The type a user means by any of its names; the control plane is asked for types of its own. The error suggests what is near. */
export async function findType(word: string, session: Session): Promise<KnownType> {
  const type = typeHandles.byAnyName(word) ?? createResourceTypes(await typesOf(session)).byAnyName(word);
  if (type !== undefined) return type;
  const paths = typeHandles.all.map((candidate) => candidate.path);
  throw new MeshError('invalid', `unknown resource type ${JSON.stringify(word)}; ${suggestionFor(word, paths)}`);
}

/** The control plane's types; none where it cannot be asked, so that a misspelt word is still called that. */
async function typesOf(session: Session): Promise<readonly KnownType[]> {
  try {
    return await fetchTypes(session.client());
  } catch (error) {
    if (error instanceof MeshError) return [];
    throw error;
  }
}
