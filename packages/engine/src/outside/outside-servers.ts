// Servers of external services, as a cluster has them.
import { type OutsideServer, type OutsideTls, outsideTlsSocket } from '@ursa/envoy';
import { isDnsName } from '@ursa/resources';
import type { OutsideFacts, TlsFacts } from './outside-facts.ts';

function socketOf({ trusted, ...rest }: TlsFacts, systemCaPath: string): OutsideServer['tls'] {
  const tls: OutsideTls = { ...rest, trusted: trusted === 'system' ? { file: systemCaPath } : trusted };
  return outsideTlsSocket(tls);
}

/** `mesh` is added to the tags where services of several meshes meet. `systemCaPath`: what the proxy's host trusts. */
export function outsideServers(
  { endpoints, tlsByTags }: Pick<OutsideFacts, 'endpoints' | 'tlsByTags'>,
  { mesh, systemCaPath }: { readonly mesh?: string; readonly systemCaPath: string },
): readonly OutsideServer[] {
  return endpoints.map(({ address, port, priority, tags, tls }) => ({
    address,
    port,
    priority,
    named: port !== undefined && isDnsName(address),
    tags: mesh === undefined ? tags : { ...tags, mesh },
    tls: tls && socketOf(tls, systemCaPath),
    tlsByTags,
  }));
}
