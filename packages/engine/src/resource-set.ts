// Encoded resources on their way into a configuration.
import type { EnvoyResource, EnvoyType } from '@ursa/envoy';
import { type Built, isUnbuilt, type Unbuilt } from './unbuilt.ts';

/** Resources of one proxy by type and name. */
export type ResourceMaps = Readonly<Record<EnvoyType, ReadonlyMap<string, EnvoyResource>>>;

/** Resources, and what could not be built of them. */
export interface BuiltMaps {
  readonly resources: ResourceMaps;
  readonly unbuilt: readonly Unbuilt[];
}

const types: readonly EnvoyType[] = ['cluster', 'endpoint', 'listener', 'route', 'secret', 'runtime'];

/** No resources of a type. */
export const noResources: ReadonlyMap<string, EnvoyResource> = new Map();

/** True when two maps hold the same resources: equal content is one object, so identity decides. */
export function sameMap(
  before: ReadonlyMap<string, EnvoyResource>,
  after: ReadonlyMap<string, EnvoyResource>,
): boolean {
  if (before === after) return true;
  if (before.size !== after.size) return false;
  for (const [name, resource] of before) if (after.get(name) !== resource) return false;
  return true;
}

/** The same for lists, in the same order. */
export function sameResources(before: readonly Built[], after: readonly Built[]): boolean {
  return before.length === after.length && before.every((resource, position) => resource === after[position]);
}

/** Sorts resources into maps. */
export function toMaps(list: readonly Built[]): BuiltMaps {
  const maps: Partial<Record<EnvoyType, Map<string, EnvoyResource>>> = {};
  const unbuilt: Unbuilt[] = [];
  for (const built of list) {
    if (isUnbuilt(built)) {
      unbuilt.push(built);
      continue;
    }
    const map = maps[built.type] ?? new Map<string, EnvoyResource>();
    maps[built.type] = map.set(built.name, built);
  }
  const resources = Object.fromEntries(types.map((type) => [type, maps[type] ?? noResources])) as unknown;
  return { resources: resources as ResourceMaps, unbuilt };
}

/**
 * The maps, but those of `previous` where the content is the same, and `previous` itself where all is: so two configurations are
 * compared by identity, type by type.
 */
export function keepIdentities(previous: ResourceMaps | undefined, maps: ResourceMaps): ResourceMaps {
  if (previous === undefined) return maps;
  const kept = types.filter((type) => sameMap(previous[type], maps[type]));
  if (kept.length === types.length) return previous;
  return { ...maps, ...Object.fromEntries(kept.map((type) => [type, previous[type]])) };
}
