// KRI: the one-line name of a resource in the whole mesh, `kri_<short>_<mesh>_<zone>_<namespace>_<name>_<section>`.
import { MeshError } from './error.ts';
import { labelNames } from './label-names.ts';
import type { Resource } from './resource.ts';
import type { ResourceType } from './resource-type.ts';

/** The parts of a KRI; absent parts are ''. */
export interface Kri {
  /** Short name of the type, `mt`. */
  readonly type: string;
  readonly mesh: string;
  readonly zone: string;
  readonly namespace: string;
  readonly name: string;
  readonly section: string;
}

/** The text form of a KRI. */
export function formatKri(kri: Kri): string {
  return `kri_${kri.type}_${kri.mesh}_${kri.zone}_${kri.namespace}_${kri.name}_${kri.section}`;
}

/** Parses a KRI; which types there are is for the caller to know. Throws `MeshError` 'invalid' in the words of the peers. */
export function parseKri(text: string): Kri {
  const quoted = JSON.stringify(text.slice(0, 300));
  const parts = text.split('_');
  if (parts.length !== 7) throw new MeshError('invalid', `invalid identifier string: ${quoted}`);
  const [prefix, type = '', mesh = '', zone = '', namespace = '', name = '', section = ''] = parts;
  if (prefix !== 'kri') throw new MeshError('invalid', `identifier must start with 'kri': ${quoted}`);
  return { type, mesh, zone, namespace, name, section };
}

/** KRI of a resource (of one of its sections when given); undefined for types without a short name. */
export function kriOf(
  type: ResourceType,
  resource: Pick<Resource, 'mesh' | 'name' | 'labels'>,
  section = '',
): string | undefined {
  if (type.shortName === '') return undefined;
  return formatKri({
    type: type.shortName,
    mesh: resource.mesh,
    zone: resource.labels[labelNames.zone] ?? '',
    namespace: resource.labels[labelNames.namespace] ?? '',
    name: displayNameOf(resource),
    section,
  });
}

/** Name as its author wrote it, before another control plane made it unique. */
export function displayNameOf(resource: Pick<Resource, 'name' | 'labels'>): string {
  return resource.labels[labelNames.displayName] ?? resource.name;
}
