// Encoded resources on their way into a configuration.
import type { EnvoyResource, EnvoyType } from '@ursa/envoy';

/** Resources of one proxy by type and name. */
export type ResourceMaps = Readonly<Record<EnvoyType, ReadonlyMap<string, EnvoyResource>>>;

const types: readonly EnvoyType[] = ['cluster', 'endpoint', 'listener', 'route', 'secret', 'runtime'];

function sameMap(before: ReadonlyMap<string, EnvoyResource>, after: ReadonlyMap<string, EnvoyResource>): boolean {
  if (before.size !== after.size) return false;
  for (const [name, resource] of before) if (after.get(name) !== resource) return false;
  return true;
}

/** True when two lists hold the same resources in the same order: equal content is one object, so identity decides. */
export function sameResources(before: readonly EnvoyResource[], after: readonly EnvoyResource[]): boolean {
  return before.length === after.length && before.every((resource, position) => resource === after[position]);
}

/**
 * Sorts resources into maps. A map whose content is that of `previous` is `previous`'s own, and when all are, the result is `previous`:
 * so two configurations are compared by identity, type by type.
 */
export function toMaps(resources: Iterable<EnvoyResource>, previous?: ResourceMaps): ResourceMaps {
  const maps = {
    cluster: new Map<string, EnvoyResource>(),
    endpoint: new Map<string, EnvoyResource>(),
    listener: new Map<string, EnvoyResource>(),
    route: new Map<string, EnvoyResource>(),
    secret: new Map<string, EnvoyResource>(),
    runtime: new Map<string, EnvoyResource>(),
  };
  for (const resource of resources) maps[resource.type].set(resource.name, resource);
  if (previous === undefined) return maps;
  const kept = types.filter((type) => sameMap(previous[type], maps[type]));
  if (kept.length === types.length) return previous;
  return { ...maps, ...Object.fromEntries(kept.map((type) => [type, previous[type]])) };
}
