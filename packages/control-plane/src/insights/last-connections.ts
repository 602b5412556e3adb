// Which proxies of a mesh are connected to some instance, or were a moment ago: who is between two connections is in no instance's list, and has to be
// waited for all the same.
import type { Derivation } from '@ursa/collections';
import { labelNames } from '@ursa/resources';
import { keyInType, type LiveResources } from '../store/live-resources.ts';
import type { ProxyInsight } from './insight.ts';

/** The last connection of a proxy to any instance. */
export interface LastConnection {
  readonly name: string;
  /** When it ended, in milliseconds since 1970; undefined while it is open, as far as is written. */
  readonly endedAt: number | undefined;
}

/** Derives them for the Dataplanes of a mesh, but for those that start or leave. Who is taken for lost may be sending still. */
export function deriveLastConnections(
  live: LiveResources,
): Derivation<readonly [mesh: string], readonly LastConnection[]> {
  const insights = live.resources('DataplaneInsight');
  return live.graph.derive('last-connections', (mesh: string) =>
    live.list('Dataplane', mesh).flatMap(({ name, labels }): LastConnection[] => {
      const isWithheld = labels[labelNames.withheldPorts] !== undefined;
      if (isWithheld && labels[labelNames.withheldBecause] === undefined) return [];
      const insight = insights.get(keyInType({ mesh, name }))?.spec as ProxyInsight | undefined;
      const last = insight?.subscriptions.at(-1);
      if (last === undefined) return [];
      const { disconnectTime } = last;
      return [{ name, endedAt: disconnectTime === undefined ? undefined : Date.parse(disconnectTime) }];
    }),
  );
}

/** Names of the proxies that were here within `within` milliseconds and are not among those that are. */
export function awayFrom(
  last: readonly LastConnection[],
  here: ReadonlySet<string>,
  now: number,
  within: number,
): readonly string[] {
  return last.flatMap(({ name, endedAt }) =>
    here.has(name) || (endedAt !== undefined && now - endedAt >= within) ? [] : [name],
  );
}
