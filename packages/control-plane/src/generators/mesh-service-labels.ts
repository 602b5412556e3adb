// Labels of generated MeshServices: the generator's own, and, where the settings say so, those that their Dataplanes have in common.
import type { Derivation } from '@ursa/collections';
import { labelNames, meshServiceGenerator } from '@ursa/resources';
import { keyInType, type LiveResources } from '../store/live-resources.ts';
import { servedPorts } from './dataplane-ports.ts';

/** Which labels of Dataplanes are copied (`KUMA_MESH_SERVICE_LABEL_PROPAGATION_*`). */
export interface LabelPropagation {
  readonly enabled: boolean;
  /** Empty: all. */
  readonly allowedLabelKeys: readonly string[];
}

/** Labels of the MeshServices that Dataplanes call for. Keys are `<mesh>/<name>`. */
export interface MeshServiceLabels {
  readonly labels: Derivation<readonly [key: string], Readonly<Record<string, string>>>;
  /** Names of labels that are not copied since Dataplanes of the service differ in them, sorted. */
  readonly dropped: Derivation<readonly [key: string], readonly string[]>;
  readonly enabled: boolean;
}

/** Derives the labels. */
export function deriveMeshServiceLabels(
  { graph, resources }: LiveResources,
  { enabled, allowedLabelKeys }: LabelPropagation,
  zone: string,
): MeshServiceLabels {
  const dataplanes = resources('Dataplane');
  const allowed = new Set(allowedLabelKeys);
  const offered = graph.derive('offered-labels', (key: string): readonly (readonly [string, string])[] =>
    Object.entries(dataplanes.get(key)?.labels ?? {}).filter(
      ([name]) => !isReserved(name) && (allowed.size === 0 || allowed.has(name)),
    ),
  );
  const values = graph.derive('offered-labels/service', (key: string): Readonly<Record<string, readonly string[]>> => {
    const found = new Map<string, Set<string>>();
    const keys = dataplanes.index('serving', (dataplane) =>
      servedPorts(dataplane).map(({ service }) => keyInType({ mesh: dataplane.mesh, name: service })),
    );
    for (const [name, value] of keys.get(key).flatMap((dataplaneKey) => offered.get(dataplaneKey))) {
      const known = found.get(name) ?? new Set();
      found.set(name, known.add(value));
    }
    return Object.fromEntries([...found].sort(byName).map(([name, all]) => [name, [...all].sort()]));
  });
  const valuesOf = (key: string) => (enabled ? Object.entries(values.get(key)) : []);
  return {
    enabled,
    labels: graph.derive('mesh-service-labels', (key: string) => {
      const [mesh = '', name = ''] = key.split('/');
      const common = valuesOf(key).flatMap(([label, [value = '', ...others]]) =>
        others.length === 0 ? [[label, value] as const] : [],
      );
      return { ...Object.fromEntries(common), ...ownLabels(mesh, name, zone) };
    }),
    dropped: graph.derive('mesh-service-dropped-labels', (key: string) =>
      valuesOf(key).flatMap(([label, all]) => (all.length > 1 ? [label] : [])),
    ),
  };
}

function ownLabels(mesh: string, name: string, zone: string): Readonly<Record<string, string>> {
  return {
    [labelNames.displayName]: name,
    [labelNames.environment]: 'universal',
    [labelNames.managedBy]: meshServiceGenerator,
    [labelNames.mesh]: mesh,
    [labelNames.origin]: 'zone',
    [labelNames.zone]: zone,
  };
}

/** What control planes say of a resource is true of that resource only. */
function isReserved(name: string): boolean {
  return /^([^/]*\.)?kuma\.io\//.test(name);
}

function byName([one]: readonly [string, unknown], [other]: readonly [string, unknown]): number {
  return one < other ? -1 : 1;
}
