// Whether a mesh is ready for certificates of one of its backends, and whether it still has some: the order in which a rotation goes, on the instances of
// all control planes.
import { formatResourceKey, labelNames, type Resource, type ResourceKey } from '@ursa/resources';
import type { BackendsInUse } from '../identity/backends-in-use.ts';
import { keyInType, type LiveResources } from '../store/live-resources.ts';
import { insightKeyOf, isConnected, type MeshCertificate, type ProxyInsight } from './insight.ts';
import type { RecentlyGone } from './recently-gone.ts';

/**
 * Derives it from the proxies of a mesh, and the zone egresses that serve it, that are connected to some instance, or were a moment ago. Who has gone because it leaves is not waited for. The first two read
 * all insights of a mesh: for the moments in which it goes from one backend to another.
 */
export function deriveBackendsInUse(live: LiveResources, recentlyGone: RecentlyGone['proxies']): BackendsInUse {
  const insights = live.resources('DataplaneInsight');
  const ofEgresses = live.resources('ZoneEgressInsight');
  const counts = (proxy: ResourceKey, insight: ProxyInsight): boolean => {
    if (isConnected(insight)) return true;
    if (recentlyGone.get(formatResourceKey(insightKeyOf(proxy))) === undefined) return false;
    const { labels = {} } = live.resources(proxy.type).get(keyInType(proxy)) ?? {};
    return labels[labelNames.withheldPorts] === undefined || labels[labelNames.withheldBecause] !== undefined;
  };
  const some = (mesh: string, isSo: (certificate: MeshCertificate) => boolean): boolean => {
    const isOne = (type: string, found: Resource | undefined): boolean => {
      const insight = found?.spec as ProxyInsight | undefined;
      const certificate = type === 'ZoneEgress' ? insight?.meshes?.[mesh] : insight?.mTLS;
      if (found === undefined || insight === undefined || certificate === undefined) return false;
      return isSo(certificate) && counts({ type, mesh: found.mesh, name: found.name }, insight);
    };
    return (
      insights.keys().some((key) => key.startsWith(`${mesh}/`) && isOne('Dataplane', insights.get(key))) ||
      ofEgresses.keys().some((key) => isOne('ZoneEgress', ofEgresses.get(key)))
    );
  };
  const lastOf = (identityKey: string): MeshCertificate | undefined => {
    // An egress has a key in each mesh: `<mesh>//<name>`.
    const [, mesh = '', egress] = /^([^/]*)\/(\/.*)$/.exec(identityKey) ?? [];
    const specOf = (found: Resource | undefined) => found?.spec as ProxyInsight | undefined;
    return egress === undefined
      ? specOf(insights.get(identityKey))?.mTLS
      : specOf(ofEgresses.get(egress))?.meshes?.[mesh];
  };
  return {
    isTrustedByAll: live.graph.derive(
      'trusted-backends',
      (mesh: string, backend: string) => !some(mesh, ({ supportedBackends }) => !supportedBackends.includes(backend)),
    ),
    isUsed: live.graph.derive('used-backends', (mesh: string, backend: string) =>
      some(mesh, ({ issuedBackend }) => issuedBackend === backend),
    ),
    lastOf: live.graph.derive('last-backend', (identityKey: string) => lastOf(identityKey)?.issuedBackend),
  };
}
