// The proxies of a MeshService: the Dataplanes its selector matches, and whether they are connected and certified.
import type { Derivation } from '@ursa/collections';
import {
  type DataplaneInsightSpec,
  type DataplaneSpec,
  type MeshServiceSpec,
  type Resource,
  tagMapsOf,
} from '@ursa/resources';
import { keyInType, type LiveResources } from '../store/live-resources.ts';
import type { ServiceProxy } from './mesh-service-status.ts';

/** Whether a proxy is connected to any instance, as its insight says. */
export function hasOpenConnection(insight: DataplaneInsightSpec | undefined): boolean {
  return (insight?.subscriptions ?? []).some(
    ({ connectTime, disconnectTime }) => connectTime !== undefined && disconnectTime === undefined,
  );
}

/** Derives the proxies of a mesh that a selector matches, sorted by name. */
export function deriveServiceProxies(
  live: LiveResources,
): (mesh: string, selector: MeshServiceSpec['selector']) => readonly ServiceProxy[] {
  const { graph } = live;
  const dataplanes = live.resources('Dataplane');
  const proxy: Derivation<readonly [key: string], Omit<ServiceProxy, 'dataplane'>> = graph.derive(
    'proxy-state',
    (key: string) => {
      const insight = live.resources('DataplaneInsight').get(key)?.spec as DataplaneInsightSpec | undefined;
      return {
        connected: hasOpenConnection(insight),
        known: insight !== undefined,
        issuedBackend: insight?.mTLS?.issuedBackend ?? '',
      };
    },
  );
  const candidates = (mesh: string, selector: NonNullable<MeshServiceSpec['selector']>): readonly string[] => {
    const { dataplaneRef, dataplaneTags, dataplaneLabels } = selector;
    if (dataplaneRef !== undefined) return [keyInType({ mesh, name: dataplaneRef.name ?? '' })];
    if (dataplaneTags !== undefined) {
      const [pair] = Object.entries(dataplaneTags);
      return pair === undefined ? [] : dataplanes.index('tag', tagBuckets).get(tagBucket(mesh, pair));
    }
    return dataplaneLabels === undefined ? [] : dataplanes.index('mesh', ({ mesh: own }) => [own]).get(mesh);
  };
  return (mesh, selector) => {
    if (selector === undefined) return [];
    return candidates(mesh, selector).flatMap((key) => {
      const dataplane = dataplanes.get(key);
      return dataplane !== undefined && selects(selector, dataplane) ? [{ dataplane, ...proxy.get(key) }] : [];
    });
  };
}

function selects(selector: NonNullable<MeshServiceSpec['selector']>, { spec, labels }: Resource): boolean {
  const { dataplaneRef, dataplaneTags, dataplaneLabels } = selector;
  if (dataplaneRef !== undefined) return tagMapsOf(spec as DataplaneSpec).length > 0;
  if (dataplaneTags !== undefined)
    return tagMapsOf(spec as DataplaneSpec).some((tags) => contains(tags, dataplaneTags));
  return contains(labels, dataplaneLabels?.matchLabels ?? {});
}

function contains(all: Readonly<Record<string, string>>, wanted: Readonly<Record<string, string>>): boolean {
  return Object.entries(wanted).every(([name, value]) => all[name] === value);
}

function tagBuckets({ mesh, spec }: Resource): readonly string[] {
  return tagMapsOf(spec as DataplaneSpec).flatMap((tags) => Object.entries(tags).map((pair) => tagBucket(mesh, pair)));
}

function tagBucket(mesh: string, [name, value]: readonly [string, string]): string {
  return `${mesh}/${name}=${value}`;
}
