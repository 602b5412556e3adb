// What the proxies of a MeshService say about it: its identities, whether it is available, how many proxies it has, whether all speak TLS.
import {
  type DataplaneSpec,
  inboundProtocol,
  inboundService,
  inboundsBehind,
  inboundsOf,
  isInboundReady,
  type MeshServicePort,
  type MeshServiceSpec,
  type MeshServiceStatus,
  type Resource,
  servicesOf,
} from '@ursa/resources';
import type { ServiceIdentities } from './service-identities.ts';

/** A proxy of a service. */
export interface ServiceProxy {
  readonly dataplane: Resource;
  readonly connected: boolean;
  /** Who issued the certificate that it has taken; '' while it has none. */
  readonly issuedBackend: string;
  /** Whether it was ever connected. */
  readonly known: boolean;
}

/** Who the proxies of a service are, and whether they prove it. */
export interface ServiceTrust {
  /** Whether the mesh has an mTLS backend: all proxies of it get a certificate then. */
  readonly mtlsEnabled: boolean;
  readonly identities: ServiceIdentities;
}

/** The fields of spec and status that follow from the proxies. Counts of zero are left out, as the peer does. */
export interface ProxyFacts {
  readonly spec: Pick<MeshServiceSpec, 'identities' | 'state'>;
  readonly status: Pick<MeshServiceStatus, 'dataplaneProxies' | 'tls'>;
}

/** Ports of a service, and of what service tag it was generated; undefined for those that somebody wrote. */
export interface ServicePorts {
  readonly ports: readonly MeshServicePort[];
  readonly generatedFor: string | undefined;
}

/** Looks at the proxies of a service with these ports. `before` is the TLS status so far. */
export function proxyFacts(
  proxies: readonly ServiceProxy[],
  ports: ServicePorts,
  { mtlsEnabled, identities: { spiffeIdsOf, hasAgent } }: ServiceTrust,
  before: NonNullable<MeshServiceStatus['tls']>['status'],
): ProxyFacts {
  const services = new Set(proxies.flatMap(({ dataplane }) => servicesOf(dataplane.spec as DataplaneSpec)));
  const spiffeIds = new Set(proxies.flatMap((proxy) => spiffeIdsOf(proxy)));
  const identities = [
    ...[...services].sort().map((value) => ({ type: 'ServiceTag' as const, value })),
    ...[...spiffeIds].sort().map((value) => ({ type: 'SpiffeID' as const, value })),
  ];
  const healthy = proxies.filter(({ dataplane }) => isHealthy(dataplane, ports)).length;
  const connected = proxies.filter((proxy) => proxy.connected).length;
  // Once ready, it stays so: proxies that come later start with TLS, only their certificate may take a moment.
  // Without a backend only those get a certificate whom a MeshIdentity gives one; who never came does not hold up the others.
  const awaited = mtlsEnabled ? proxies : proxies.filter((proxy) => proxy.known && spiffeIdsOf(proxy).length > 0);
  const secures = mtlsEnabled || spiffeIds.size > 0;
  const isCertified = (proxy: ServiceProxy) => proxy.issuedBackend !== '' || hasAgent(proxy);
  const ready = secures && (before === 'Ready' || awaited.every(isCertified));
  return {
    spec: { state: healthy > 0 ? 'Available' : 'Unavailable', ...(identities.length > 0 && { identities }) },
    status: {
      dataplaneProxies: {
        ...(connected > 0 && { connected }),
        ...(healthy > 0 && { healthy }),
        ...(proxies.length > 0 && { total: proxies.length }),
      },
      tls: { status: ready ? 'Ready' : 'NotReady' },
    },
  };
}

function isHealthy(dataplane: Resource, { ports, generatedFor }: ServicePorts): boolean {
  const all = inboundsOf(dataplane.spec as DataplaneSpec);
  const own = all.filter((inbound) => generatedFor === undefined || inboundService(inbound) === generatedFor);
  const generated = generatedFor !== undefined;
  return ports.every((port) => {
    // As with the peer, a name that is the same is enough here.
    const inbound =
      own.find(({ name }) => port.name !== undefined && port.name !== '' && name === port.name) ??
      inboundsBehind({ port, ports, generated }, own, inboundProtocol)[0];
    return inbound !== undefined && isInboundReady(inbound);
  });
}
