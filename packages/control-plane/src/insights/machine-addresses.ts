// At which addresses the machine of an instance is known beside the instance's own: those of the proxies on it that are connected to the instance.
import type { LiveResources } from '../store/live-resources.ts';
import { insightTypes, type ProxyInsight } from './insight.ts';
import { placeOf } from './proxy-place.ts';

/** Gives the addresses, each once, by the id of an instance. */
export function machineAddresses(live: Pick<LiveResources, 'resources' | 'get'>): (id: string) => readonly string[] {
  const types = Object.entries(insightTypes).map(([type, insightType]) => {
    const insights = live.resources(insightType);
    return { type, insights, byInstance: insights.index('sharesMachine', ({ spec }) => sharing(spec as ProxyInsight)) };
  });
  return (id) => {
    const addresses = types.flatMap(({ type, insights, byInstance }) =>
      byInstance.get(id).flatMap((key) => {
        const insight = insights.get(key);
        const resource = insight && live.get({ type, mesh: insight.mesh, name: insight.name });
        return (resource && placeOf(resource)?.address) ?? [];
      }),
    );
    return [...new Set(addresses)];
  };
}

/** Ids of the instances to whose machine the proxy is connected from there. */
function sharing({ subscriptions = [] }: Partial<ProxyInsight>): readonly string[] {
  return subscriptions
    .filter(({ sharesMachine, disconnectTime }) => sharesMachine === true && disconnectTime === undefined)
    .map(({ controlPlaneInstanceId }) => controlPlaneInstanceId);
}
