// Which MeshServices a MeshMultiZoneService is made of, as its status says it.
import {
  displayNameOf,
  labelNames,
  type MeshMultiZoneServiceSpec,
  type MeshMultiZoneServiceStatus,
  type Resource,
} from '@ursa/resources';
import type { LiveResources } from '../store/live-resources.ts';

type Matched = Pick<MeshMultiZoneServiceStatus, 'meshServices' | 'conditions'>;
type MatchedService = NonNullable<Matched['meshServices']>[number];

/** Derives the part of the status that follows from the MeshServices of the mesh. */
export function deriveMatchedServices({ graph, resources }: LiveResources): (service: Resource) => Matched {
  const meshServices = resources('MeshService');
  const byLabel = meshServices.index('label', ({ mesh, labels }: Resource) =>
    Object.entries(labels).map(([label, value]) => `${mesh} ${label}=${value}`),
  );
  // Statuses of MeshServices change all the time; what is told of them here does not.
  const identity = graph.derive('matched-service', (key: string): MatchedService | undefined => {
    const resource = meshServices.get(key);
    if (resource === undefined) return undefined;
    const { mesh, labels } = resource;
    const [namespace, zone] = [labels[labelNames.namespace] ?? '', labels[labelNames.zone] ?? ''];
    return { name: displayNameOf(resource), namespace, zone, mesh };
  });
  const matching = graph.derive('matched-services', (mesh: string, wanted: string): Matched => {
    const labels = Object.entries(JSON.parse(wanted) as Readonly<Record<string, string>>);
    const [first, ...others] = labels.map(([label, value]) => byLabel.get(`${mesh} ${label}=${value}`));
    const keys = (first ?? []).filter((key) => others.every((bucket) => bucket.includes(key)));
    const found = keys.flatMap((key) => identity.get(key) ?? []).sort(byPlace);
    const condition =
      found.length > 0
        ? { status: 'True' as const, reason: 'MatchesFound', message: `Matched ${found.length} MeshService(s)` }
        : { status: 'False' as const, reason: 'NoMatchesFound', message: 'No MeshService matches the selector' };
    return {
      ...(found.length > 0 && { meshServices: found }),
      conditions: [{ type: 'MeshServicesMatched', ...condition }],
    };
  });
  return ({ mesh, spec }) => {
    const { matchLabels = {} } = (spec as MeshMultiZoneServiceSpec).selector.meshService;
    return matching.get(mesh, JSON.stringify(matchLabels));
  };
}

function byPlace(one: MatchedService, other: MatchedService): number {
  const key = ({ zone, namespace, name }: MatchedService) => `${zone} ${namespace} ${name}`;
  return key(one) < key(other) ? -1 : 1;
}
