// Which instances come first: those near the caller, by weights; those of other zones after them, in the order of the failover rules.
import type { EndpointLocality } from '@ursa/envoy';
import { type EndpointsPlace, parseDecimal } from '@ursa/policy';
import type { LocalityAwareness } from './load-balancing-conf.ts';

type Failover = NonNullable<NonNullable<LocalityAwareness['crossZone']>['failover']>[number];

/** Instances of the caller's zone that share a tag with it, and their part of the traffic. */
interface Affinity {
  readonly key: string;
  readonly value: string;
  readonly weight: number;
}

/** Keys of the caller's tags that matter to a conf. */
export function affinityKeys({ localZone, disabled }: LocalityAwareness = {}): readonly string[] {
  return disabled === true ? [] : (localZone?.affinityTags ?? []).map(({ key }) => key);
}

// Without weights, each tag gets nine times what all after it get together. The exponent is bounded, as the sum must fit in 32 bits.
function affinitiesOf({ localZone }: LocalityAwareness, callerTags: EndpointsPlace['callerTags']): Affinity[] {
  const tags = localZone?.affinityTags ?? [];
  return tags.flatMap(({ key, weight }, position) => {
    const values = callerTags[key]?.split(',') ?? [];
    const generated = 9 * 10 ** Math.min(tags.length - position - 1, 7);
    return values.map((value) => ({ key, value, weight: weight ?? generated }));
  });
}

/** Instances of the caller's zone, each in the group of the first tag that it shares with the caller; the others have weight 1. */
function nearby(
  endpoints: EndpointLocality['endpoints'],
  affinities: readonly Affinity[],
  zone: string,
): EndpointLocality[] {
  const groups = Map.groupBy(endpoints, ({ tags }) => affinities.find(({ key, value }) => tags[key] === value));
  return [...affinities, undefined].flatMap((affinity) => {
    const members = groups.get(affinity);
    if (members === undefined) return [];
    const subZone = affinity === undefined ? {} : { subZone: `${affinity.key}=${affinity.value}` };
    return [{ zone, ...subZone, weight: affinity?.weight ?? 1, priority: 0, endpoints: members }];
  });
}

/** Place of another zone in the order of failover, from 1; undefined when traffic must not go there. */
function rankOf(zone: string, local: string, failover: readonly Failover[]): number | undefined {
  for (const [position, { from, to }] of failover.entries()) {
    if (from !== undefined && !from.zones.includes(local)) continue;
    if (to.type === 'None') return undefined;
    const named = to.zones?.includes(zone) ?? false;
    if (to.type === 'Any' || (to.type === 'Only' && named) || (to.type === 'AnyExcept' && !named)) return position + 1;
  }
  return undefined;
}

/** The largest whole multiple that Envoy's field holds. */
const largestFactor = 4_294_967_200;

// Traffic leaves for the next priority once fewer than 100 / factor of the instances are healthy. Whole multiples only, as with the peer.
function overprovisioning({ crossZone }: LocalityAwareness): number {
  const percentage = parseDecimal(crossZone?.failoverThreshold?.percentage ?? 50) ?? 50;
  return percentage > 0 ? Math.min(Math.floor(100 / percentage) * 100, largestFactor) : 200;
}

/** Arranges endpoints as a conf says. Zones that no rule lets traffic go to are left out. */
export function arrangeLocalities(place: EndpointsPlace, conf: LocalityAwareness): void {
  if (conf.disabled === true) return;
  const failover = conf.crossZone?.failover ?? [];
  const near = place.localities.filter(({ zone }) => zone === place.zone).flatMap(({ endpoints }) => endpoints);
  const far = place.localities.flatMap((locality): EndpointLocality[] => {
    const rank = locality.zone === place.zone ? undefined : rankOf(locality.zone, place.zone, failover);
    return rank === undefined ? [] : [{ ...locality, weight: 1, priority: rank }];
  });
  const ordered = [...nearby(near, affinitiesOf(conf, place.callerTags), place.zone), ...far];
  // Envoy takes no gaps: where nothing is near, what would come next is the first priority.
  const ranks = [...new Set(ordered.map(({ priority = 0 }) => priority))].sort((first, second) => first - second);
  place.localities = ordered.map((locality) => ({ ...locality, priority: ranks.indexOf(locality.priority ?? 0) }));
  place.overprovisioningFactor = overprovisioning(conf);
}
