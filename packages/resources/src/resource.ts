// The one shape in which a resource travels through Ursa, whatever its wire form is. Parsed at the border, immutable after that.

/** Key/value pairs on a resource; reserved keys start with `kuma.io/`. */
export type Labels = Readonly<Record<string, string>>;

/** What names a resource. `mesh` is '' for types of global scope. */
export interface ResourceKey {
  readonly type: string;
  readonly mesh: string;
  readonly name: string;
}

/** A stored resource. Wire forms (inline spec of older types, `spec`/`status` of newer ones, Kubernetes objects) are made by `format`. */
export interface Resource<Spec = unknown, Status = unknown> extends ResourceKey {
  readonly labels: Labels;
  /** RFC 3339, UTC. */
  readonly creationTime: string;
  /** RFC 3339, UTC. */
  readonly modificationTime: string;
  /** Counts the writes of this resource, from 1. The ETag and optimistic concurrency stand on it. */
  readonly version: number;
  readonly spec: Spec;
  readonly status?: Status | undefined;
}

/** One string for a key, usable in maps and sorted by type, mesh, name. None of the parts can contain a slash. */
export function formatResourceKey(key: ResourceKey): string {
  return `${key.type}/${key.mesh}/${key.name}`;
}

/** A resource as its author gives it: without what a store adds. */
export type ResourceDraft<Spec = unknown, Status = unknown> = Omit<
  Resource<Spec, Status>,
  'creationTime' | 'modificationTime' | 'version'
>;
