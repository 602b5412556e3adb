// Which proxies of a mesh are connected to some instance, or were a moment ago: who is between two connections is in no instance's list, and has to be
// waited for all the same.
import type { Derivation } from '@ursa/collections';
import { formatResourceKey, labelNames, type Resource } from '@ursa/resources';
import { keyInType, type LiveResources } from '../store/live-resources.ts';
import { insightKeyOf, type ProxyInsight } from './insight.ts';

/** The last connection of a proxy to any instance. */
export interface LastConnection {
  /** Key of the proxy's resource (`formatResourceKey`). */
  readonly key: string;
  /** When it ended, in milliseconds since 1970; undefined while it is open, as far as is written. */
  readonly endedAt: number | undefined;
}

/**
 * Derives them for the Dataplanes of a mesh, and for zone egresses where they serve it, but for those that start or leave. Who is taken for lost may be
 * sending still.
 */
export function deriveLastConnections(
  live: LiveResources,
  egressMeshes: Derivation<readonly [], readonly string[]>,
): Derivation<readonly [mesh: string], readonly LastConnection[]> {
  const lastOf = (resource: Resource): readonly LastConnection[] => {
    const { labels } = resource;
    const isWithheld = labels[labelNames.withheldPorts] !== undefined;
    if (isWithheld && labels[labelNames.withheldBecause] === undefined) return [];
    const { type, ...insightKey } = insightKeyOf(resource);
    const insight = live.resources(type).get(keyInType(insightKey))?.spec as ProxyInsight | undefined;
    const last = insight?.subscriptions.at(-1);
    if (last === undefined) return [];
    const { disconnectTime } = last;
    const endedAt = disconnectTime === undefined ? undefined : Date.parse(disconnectTime);
    return [{ key: formatResourceKey(resource), endedAt }];
  };
  return live.graph.derive('last-connections', (mesh: string) => {
    const egresses = egressMeshes.get().includes(mesh) ? live.list('ZoneEgress') : [];
    return [...live.list('Dataplane', mesh), ...egresses].flatMap(lastOf);
  });
}

/** Keys of the proxies that were here within `within` milliseconds and are not among those that are. */
export function awayFrom(
  last: readonly LastConnection[],
  here: ReadonlySet<string>,
  now: number,
  within: number,
): readonly string[] {
  return last.flatMap(({ key, endedAt }) =>
    here.has(key) || (endedAt !== undefined && now - endedAt >= within) ? [] : [key],
  );
}
