// Whether a mesh is ready for certificates of one of its backends, and whether it still has some: the order in which a rotation goes, on the instances of
// all control planes.
import { formatResourceKey, labelNames } from '@ursa/resources';
import type { BackendsInUse } from '../identity/backends-in-use.ts';
import { keyInType, type LiveResources } from '../store/live-resources.ts';
import { insightKeyOf, isConnected, type MtlsInsight, type ProxyInsight } from './insight.ts';
import type { RecentlyGone } from './recently-gone.ts';

/**
 * Derives it from the proxies that are connected to some instance, or were a moment ago. Who has gone because it leaves is not waited for. The first two read
 * all insights of a mesh: for the moments in which it goes from one backend to another.
 */
export function deriveBackendsInUse(live: LiveResources, recentlyGone: RecentlyGone['proxies']): BackendsInUse {
  const insights = live.resources('DataplaneInsight');
  const insightOf = (key: string) => insights.get(key)?.spec as ProxyInsight | undefined;
  const counts = (mesh: string, name: string, insight: ProxyInsight): boolean => {
    if (isConnected(insight)) return true;
    const key = { type: 'Dataplane', mesh, name };
    if (recentlyGone.get(formatResourceKey(insightKeyOf(key))) === undefined) return false;
    const { labels = {} } = live.resources('Dataplane').get(keyInType(key)) ?? {};
    return labels[labelNames.withheldPorts] === undefined || labels[labelNames.withheldBecause] !== undefined;
  };
  const some = (mesh: string, isSo: (certificate: MtlsInsight) => boolean): boolean =>
    insights.keys().some((key) => {
      if (!key.startsWith(`${mesh}/`)) return false;
      const insight = insightOf(key);
      return insight?.mTLS !== undefined && isSo(insight.mTLS) && counts(mesh, key.slice(mesh.length + 1), insight);
    });
  return {
    isTrustedByAll: live.graph.derive(
      'trusted-backends',
      (mesh: string, backend: string) => !some(mesh, ({ supportedBackends }) => !supportedBackends.includes(backend)),
    ),
    isUsed: live.graph.derive('used-backends', (mesh: string, backend: string) =>
      some(mesh, ({ issuedBackend }) => issuedBackend === backend),
    ),
    lastOf: live.graph.derive('last-backend', (identityKey: string) => insightOf(identityKey)?.mTLS?.issuedBackend),
  };
}
