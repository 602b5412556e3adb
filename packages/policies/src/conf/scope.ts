// Which kinds of proxies a top-level reference takes in: some policies say different things of gateways and of sidecars.
import type { TargetRef } from '@ursa/resources';

/** True when gateways are among the proxies that the reference can select. */
export function includesGateways({ kind, proxyTypes = [] }: TargetRef): boolean {
  if (kind === 'MeshGateway' || kind === 'MeshHTTPRoute') return true;
  const anyProxy = kind === 'Mesh' || kind === 'MeshSubset';
  return anyProxy && (proxyTypes.length === 0 || proxyTypes.includes('Gateway'));
}
