// Whether a mesh knows services by their tags too, which some answers depend on.
import type { MeshSpec } from '@ursa/resources';
import type { ResourceReader } from '../resources/reader.ts';

/** True when destinations in the mesh are resources only. */
export function isExclusive(reader: ResourceReader, mesh: string): boolean {
  return (reader.find('Mesh', '', mesh)?.spec as MeshSpec | undefined)?.meshServices?.mode === 'Exclusive';
}
