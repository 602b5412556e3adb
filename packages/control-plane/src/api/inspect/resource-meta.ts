// How inspection names a resource: its key and labels, without its content.
import { kriOf, type Resource, type ResourceTypes } from '@ursa/resources';

/** `{labels, mesh, name, type}`. */
export function formatMeta({ type, mesh, name, labels }: Pick<Resource, 'type' | 'mesh' | 'name' | 'labels'>): unknown {
  return { labels, mesh, name, type };
}

/** `{kri}` of a policy. */
export function formatOrigin(types: ResourceTypes, resource: Resource): { readonly kri: string } {
  const type = types.byName(resource.type);
  return { kri: (type && kriOf(type, resource)) ?? '' };
}
