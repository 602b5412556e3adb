// What is stored and has no effect, such as policies of an older kind: whoever writes it is told what to write instead.
import { idleMeshFields } from '@ursa/engine';
import type { MeshSpec, ResourceDraft } from '@ursa/resources';
import type { ResourceReader } from './reader.ts';

/**
 * What the writer of a resource should know of its effect; the mesh is looked at as it is stored now, or as it is among the resources that are
 * to be written `together`.
 */
export function idleWarnings(
  { reader }: { readonly reader: Pick<ResourceReader, 'types' | 'find' | 'list'> },
  { type, mesh, name, spec: written }: Pick<ResourceDraft, 'type' | 'mesh' | 'name' | 'spec'>,
  together: readonly ResourceDraft[] = [],
): readonly string[] {
  if (type === 'Mesh') return idleMeshFields(name, written as MeshSpec);
  const idle = reader.types.byName(type)?.idle;
  if (idle === undefined) return [];
  const { when, advice } = idle;
  if (when === 'not-yet') return [`${type} ${name} has no effect yet; ${advice}`];
  if (when === 'always')
    return [`${type} ${name} has no effect: proxies do not follow policies of this kind; ${advice}`];
  const changed = together.find((draft) => draft.type === 'Mesh' && draft.name === mesh);
  const spec = (changed ?? reader.find('Mesh', '', mesh))?.spec as MeshSpec | undefined;
  if (when === 'exclusive') {
    if (spec?.meshServices?.mode !== 'Exclusive') return [];
    return [
      `${type} ${name} has no effect while meshServices.mode of the mesh ${mesh} is Exclusive: it speaks of services by their tag, and calls go to MeshServices; ${advice}`,
    ];
  }
  const identities = [...reader.list('MeshIdentity', mesh), ...together.filter((draft) => isIdentityOf(mesh, draft))];
  if ((spec?.mtls?.enabledBackend ?? '') !== '' || identities.length > 0) return [];
  return [`${type} ${name} has no effect while the mesh ${mesh} has no mTLS: every client gets through; ${advice}`];
}

const isIdentityOf = (name: string, { type, mesh }: ResourceDraft): boolean => type === 'MeshIdentity' && mesh === name;

/**
 * The same as a header of an answer (`Warning` of RFC 7234, code 299): the body of a write is the peer's, who warns of none of this. Names of
 * resources have no quotes in them.
 */
export function idleHeader(warnings: readonly string[]): Readonly<Record<string, string>> {
  return warnings.length === 0 ? {} : { warning: warnings.map((text) => `299 kuma-cp "${text}"`).join(', ') };
}
