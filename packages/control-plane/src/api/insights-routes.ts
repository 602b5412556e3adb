// GET /global-insight and /global-insights: how much of everything there is, and how it fares, counted from the live resources.
import type { DataplaneSpec, Resource } from '@ursa/resources';
import { Type } from 'typebox';
import { isConnected, type ProxyInsight } from '../insights/insight.ts';
import { proxyHealth } from '../insights/proxy-status.ts';
import { formatJson } from './http/json-text.ts';
import type { Route } from './http/route.ts';
import type { ResourceReader } from './resources/reader.ts';

const countSchema = Type.Object({ total: Type.Integer() });

/** Both endpoints. `now` gives the time of the answer. */
export function insightsRoutes(reader: ResourceReader, now: () => Date): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/global-insight',
      tag: 'Insights',
      summary: 'Counts of proxies, services, zones, policies and resources',
      answers: { 200: Type.Object({ createdAt: Type.String(), dataplanes: Type.Object({}), meshes: countSchema }) },
      handle: () => ({ status: 200, body: formatJson(globalInsight(reader, now())) }),
    },
    {
      method: 'GET',
      path: '/global-insights',
      tag: 'Insights',
      summary: 'Counts of the resources of global scope',
      answers: {
        200: Type.Object({ type: Type.Literal('GlobalInsights'), resources: Type.Record(Type.String(), countSchema) }),
      },
      handle: () => ({ status: 200, body: formatJson(globalInsights(reader, now())) }),
    },
  ];
}

function globalInsights(reader: ResourceReader, now: Date): unknown {
  const types = reader.types.all.filter((type) => type.scope === 'Global' && !type.readOnly);
  const counts = types.map(({ name }) => [name, { total: reader.count(name) }] as const);
  return {
    type: 'GlobalInsights',
    creationTime: now.toISOString(),
    resources: Object.fromEntries(counts.toSorted(([one], [other]) => (one < other ? -1 : 1))),
  };
}

function globalInsight(reader: ResourceReader, now: Date): unknown {
  const writable = reader.types.all.filter((type) => !type.readOnly);
  const policies = writable
    .filter((type) => type.policy !== undefined)
    .reduce((sum, { name }) => sum + reader.count(name), 0);
  const resources = writable
    .map(({ name }) => [name, { total: reader.count(name) }] as const)
    .filter(([, { total }]) => total > 0);
  return {
    createdAt: now.toISOString(),
    dataplanes: countDataplanes(reader),
    meshes: { total: reader.count('Mesh') },
    policies: { total: policies },
    resources: Object.fromEntries(resources),
    services: countServices(reader),
    zones: {
      controlPlanes: countOnline(reader, 'Zone', 'ZoneInsight'),
      zoneEgresses: countOnline(reader, 'ZoneEgress', 'ZoneEgressInsight'),
      zoneIngresses: countOnline(reader, 'ZoneIngress', 'ZoneIngressInsight'),
    },
  };
}

/** Counts by state. */
interface StateCounts {
  online: number;
  offline: number;
  partiallyDegraded: number;
  total: number;
}

const noneYet = (): StateCounts => ({ online: 0, offline: 0, partiallyDegraded: 0, total: 0 });

function countDataplanes(reader: ResourceReader): unknown {
  const counts = { standard: noneYet(), gatewayBuiltin: noneYet(), gatewayDelegated: noneYet() };
  for (const dataplane of reader.list('Dataplane')) {
    const { networking } = dataplane.spec as DataplaneSpec;
    const { gateway } = networking ?? {};
    const kind =
      gateway === undefined ? 'standard' : gateway.type === 'BUILTIN' ? 'gatewayBuiltin' : 'gatewayDelegated';
    counts[kind].total++;
    counts[kind][stateOf(dataplane, reader)]++;
  }
  return counts;
}

const states = { Online: 'online', Offline: 'offline', 'Partially degraded': 'partiallyDegraded' } as const;

function stateOf(dataplane: Resource, reader: ResourceReader): 'online' | 'offline' | 'partiallyDegraded' {
  const insight = reader.find('DataplaneInsight', dataplane.mesh, dataplane.name)?.spec as ProxyInsight | undefined;
  return states[proxyHealth(dataplane.spec as DataplaneSpec, insight).status];
}

function countOnline(reader: ResourceReader, type: string, insight: string): unknown {
  const all = reader.list(type);
  return {
    online: all.filter(({ name }) => isConnected(reader.find(insight, '', name)?.spec as ProxyInsight | undefined))
      .length,
    total: all.length,
  };
}

interface ServiceInsightSpec {
  readonly services?: Readonly<Record<string, { readonly status?: string; readonly serviceType?: string }>>;
}

const serviceKinds: Readonly<Record<string, 'internal' | 'gatewayBuiltin' | 'gatewayDelegated'>> = {
  internal: 'internal',
  gateway_builtin: 'gatewayBuiltin',
  gateway_delegated: 'gatewayDelegated',
};

function countServices(reader: ResourceReader): unknown {
  const counts = { internal: noneYet(), gatewayBuiltin: noneYet(), gatewayDelegated: noneYet() };
  let external = 0;
  for (const { spec } of reader.list('ServiceInsight')) {
    for (const { status = 'not_available', serviceType = 'internal' } of Object.values(
      (spec as ServiceInsightSpec).services ?? {},
    )) {
      const kind = serviceKinds[serviceType];
      if (kind === undefined) {
        external++;
        continue;
      }
      counts[kind].total++;
      counts[kind][
        status === 'online' ? 'online' : status === 'partially_degraded' ? 'partiallyDegraded' : 'offline'
      ]++;
    }
  }
  return { ...counts, external: { total: external } };
}
