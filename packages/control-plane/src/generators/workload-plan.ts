// What should be written so that there is a Workload for each `kuma.io/workload` that Dataplanes are labelled with, saying how its proxies fare.
import { type Derivation, deepEqual } from '@ursa/collections';
import {
  type DataplaneInsightSpec,
  type DataplaneSpec,
  dnsLabelProblems,
  inboundsOf,
  isInboundReady,
  labelNames,
  type Resource,
  type WorkloadStatus,
  workload,
} from '@ursa/resources';
import { keyInType, type LiveResources } from '../store/live-resources.ts';
import type { PlannedWrite } from './planned-write.ts';
import { hasOpenConnection } from './service-proxies.ts';

/** Value of `kuma.io/managed-by` on generated Workloads: they go with their last Dataplane, those that users have made stay. */
export const workloadGeneratorName = 'workload-generator';

interface Member {
  readonly connected: boolean;
  readonly healthy: boolean;
}

/** Derives the plan for the Dataplanes of this zone. */
export function deriveWorkloadPlan(
  live: LiveResources,
  zone: string,
): Derivation<readonly [], readonly PlannedWrite[]> {
  const { graph } = live;
  const dataplanes = live.resources('Dataplane');
  const workloads = live.resources('Workload');
  const members = dataplanes.index('workload', workloadKeys);
  // Of all that Dataplanes and their insights say, only this is counted: certificates and responses come and go without a write.
  const member = graph.derive('workload-member', (key: string): Member => {
    const insight = live.resources('DataplaneInsight').get(key)?.spec as DataplaneInsightSpec | undefined;
    const dataplane = dataplanes.get(key);
    return {
      connected: hasOpenConnection(insight),
      healthy: dataplane !== undefined && isHealthy(dataplane.spec as DataplaneSpec),
    };
  });
  const workloadOf = graph.derive('workload-of-dataplane', (key: string): string | undefined => {
    const dataplane = dataplanes.get(key);
    return dataplane === undefined ? undefined : workloadKeys(dataplane)[0];
  });
  const wanted = graph.derive('wanted-workloads', (): readonly string[] =>
    [...new Set(dataplanes.keys().flatMap((key) => workloadOf.get(key) ?? []))].sort(),
  );
  const planOf = graph.derive('workload-plan/one', (key: string): PlannedWrite | undefined => {
    const keys = members.get(key);
    const stored = workloads.get(key);
    const [mesh = '', name = ''] = key.split('/');
    if (stored === undefined) {
      if (keys.length === 0) return undefined;
      const labels = labelsOf(mesh, zone);
      return {
        kind: 'put',
        draft: { type: workload.name, mesh, name, labels, spec: {}, status: statusOf(keys) },
        seen: 0,
      };
    }
    if (!isLocal(stored, zone)) return undefined;
    const { version, creationTime: _created, modificationTime: _modified, ...draft } = stored;
    if (keys.length === 0 && stored.labels[labelNames.managedBy] === workloadGeneratorName)
      return { kind: 'delete', key: { type: workload.name, mesh, name }, seen: version };
    const status = statusOf(keys);
    return deepEqual(status, stored.status) ? undefined : { kind: 'put', draft: { ...draft, status }, seen: version };
  });
  function statusOf(keys: readonly string[]): WorkloadStatus {
    const all = keys.map((key) => member.get(key));
    const connected = all.filter((one) => one.connected).length;
    const healthy = all.filter((one) => one.healthy).length;
    return { dataplaneProxies: { connected, healthy, total: all.length } };
  }
  return graph.derive('workload-plan', () =>
    [...new Set([...workloads.keys(), ...wanted.get()])].flatMap((key) => planOf.get(key) ?? []),
  );
}

// Older stores may hold labels that could not be a name.
function workloadKeys({ mesh, labels }: Resource): readonly string[] {
  const name = labels[labelNames.workload] ?? '';
  return dnsLabelProblems(name).length > 0 ? [] : [keyInType({ mesh, name })];
}

// As the peer has it: whether the proxy is connected is another number. Ignored ports are not meant to be called.
function isHealthy(dataplane: DataplaneSpec): boolean {
  return inboundsOf(dataplane)
    .filter(({ state }) => state !== 'Ignored')
    .every(isInboundReady);
}

// The peer's have no origin.
function labelsOf(mesh: string, zone: string): Resource['labels'] {
  return {
    [labelNames.environment]: 'universal',
    [labelNames.managedBy]: workloadGeneratorName,
    [labelNames.mesh]: mesh,
    [labelNames.zone]: zone,
  };
}

/** Workloads of other zones come with the numbers that their own zone has counted. */
function isLocal({ labels }: Resource, zone: string): boolean {
  return (labels[labelNames.zone] ?? zone) === zone;
}
