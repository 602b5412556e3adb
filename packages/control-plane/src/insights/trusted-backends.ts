// Whether a mesh is ready for certificates of one of its backends: the order in which a rotation goes, on the instances of all control planes.
import type { Derivation } from '@ursa/collections';
import type { LiveResources } from '../store/live-resources.ts';
import { isConnected, type ProxyInsight } from './insight.ts';

/**
 * True when every connected proxy of a mesh that has a certificate takes those of a backend from others. Reads all insights of the mesh: for the
 * moments in which a mesh goes from one backend to another.
 */
export function deriveTrustedBackends(
  live: LiveResources,
): Derivation<readonly [mesh: string, backend: string], boolean> {
  return live.graph.derive('trusted-backends', (mesh: string, backend: string): boolean => {
    const insights = live.resources('DataplaneInsight');
    return insights.keys().every((key) => {
      if (!key.startsWith(`${mesh}/`)) return true;
      const insight = insights.get(key)?.spec as ProxyInsight | undefined;
      return !isConnected(insight) || (insight?.mTLS?.supportedBackends.includes(backend) ?? true);
    });
  });
}
