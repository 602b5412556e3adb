// What a report of usage says: counts and versions, never names of what users made. The fields are the peer's (feature Q9).
import type { DataplaneSpec, ResourceType } from '@ursa/resources';
import { isConnected, type ProxyInsight } from '../insights/insight.ts';
import type { LiveResources } from '../store/live-resources.ts';

/** What does not change while the process runs. */
export interface ReportFacts {
  readonly version: string;
  readonly product: string;
  readonly instanceId: string;
  readonly hostname: string;
  /** `memory`, `sqlite` or `postgres`: the store. */
  readonly backend: string;
  readonly mode: string;
  readonly environment: string;
}

/** A report: texts by field, numbers in decimal digits. */
export type UsageReport = Readonly<Record<string, string>>;

/** Makes the report. `types`: those whose resources are counted, as `n_<type in lower case>`. */
export function describeUsage(
  live: LiveResources,
  types: readonly ResourceType[],
  facts: ReportFacts & { readonly clusterId: string; readonly signal: 'start' | 'ping' },
): UsageReport {
  const dataplanes = live.list('Dataplane');
  const gateways = dataplanes.filter(({ spec }) => (spec as DataplaneSpec).networking?.gateway !== undefined).length;
  const online = dataplanes.filter(({ mesh, name }) =>
    isConnected(live.get({ type: 'DataplaneInsight', mesh, name })?.spec as ProxyInsight | undefined),
  ).length;
  const services = new Set(
    dataplanes.flatMap(({ mesh, spec }) =>
      ((spec as DataplaneSpec).networking?.inbound ?? []).map(({ tags }) => `${mesh}/${tags?.['kuma.io/service']}`),
    ),
  ).size;
  const counts = types
    .map(({ name }): [string, number] => [`n_${name.toLowerCase()}`, live.keys(name).length])
    .filter(([, count]) => count > 0);
  const numbers = {
    dps_total: dataplanes.length,
    dps_online: online,
    gateway_dps: gateways,
    meshes_total: live.keys('Mesh').length,
    zones_total: live.keys('Zone').length,
    services_total: services,
    internal_services: services,
    external_services: live.keys('ExternalService').length + live.keys('MeshExternalService').length,
    ...Object.fromEntries(counts),
  };
  return {
    ...{ version: facts.version, product: facts.product, unique_id: facts.instanceId, hostname: facts.hostname },
    ...{ backend: facts.backend, mode: facts.mode, environment: facts.environment },
    ...{ signal: facts.signal, cluster_id: facts.clusterId },
    ...Object.fromEntries(Object.entries(numbers).map(([field, number]) => [field, String(number)])),
  };
}
