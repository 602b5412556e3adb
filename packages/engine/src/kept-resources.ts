// What a proxy gets in place of resources that cannot be built: those that it had last, or what stands in for them.
import type { EnvoyResource } from '@ursa/envoy';
import type { BuiltMaps, ResourceMaps } from './resource-set.ts';
import type { Unbuilt } from './unbuilt.ts';

const types = ['cluster', 'endpoint', 'listener', 'route', 'secret', 'runtime'] as const;

/** Resources with those of the last good configuration where others could not be built. Without failures they are what they were. */
export function withKept({ resources, unbuilt }: BuiltMaps, lastGood: ResourceMaps | undefined): ResourceMaps {
  if (unbuilt.length === 0) return resources;
  const missing = (resource: EnvoyResource): boolean => unbuilt.some((failed) => stoodAt(failed, resource));
  const standIns = unbuilt.flatMap(({ instead }) => instead ?? []);
  const completed = types.map((type) => {
    const map = new Map(resources[type]);
    for (const instead of standIns) if (instead.type === type) map.set(instead.name, instead);
    for (const [name, resource] of lastGood?.[type] ?? []) {
      if (!resources[type].has(name) && (missing(resource) || isLedTo(resource))) map.set(name, resource);
    }
    return [type, map];
  });
  return Object.fromEntries(completed) as ResourceMaps;
}

/** True for a resource that was built at the site of the failure. */
function stoodAt({ origin, of, name }: Unbuilt, resource: EnvoyResource): boolean {
  if (origin === '') return true;
  if (of === undefined) return resource.origin === origin;
  return resource.type === of && resource.name === name;
}

/** Kept listeners may lead to clusters that no other listener leads to any more. They harm nobody, and go with the failure. */
function isLedTo({ type }: EnvoyResource): boolean {
  return type === 'cluster' || type === 'endpoint';
}
