// What the proxies of a MeshService say about it: its identities, whether it is available, how many proxies it has, whether all speak TLS.
import {
  type DataplaneInbound,
  type DataplaneSpec,
  inboundsOf,
  isInboundReady,
  type MeshServicePort,
  type MeshServiceSpec,
  type MeshServiceStatus,
  type Resource,
  servicesOf,
} from '@ursa/resources';

/** A proxy of a service. */
export interface ServiceProxy {
  readonly dataplane: Resource;
  readonly connected: boolean;
  /** Whether it has got a certificate of its mesh. */
  readonly hasCertificate: boolean;
}

/** The fields of spec and status that follow from the proxies. Counts of zero are left out, as the peer does. */
export interface ProxyFacts {
  readonly spec: Pick<MeshServiceSpec, 'identities' | 'state'>;
  readonly status: Pick<MeshServiceStatus, 'dataplaneProxies' | 'tls'>;
}

/** Looks at the proxies of a service with these ports. `before` is the TLS status so far. */
export function proxyFacts(
  proxies: readonly ServiceProxy[],
  ports: readonly MeshServicePort[],
  mtlsEnabled: boolean,
  before: NonNullable<MeshServiceStatus['tls']>['status'],
): ProxyFacts {
  const services = new Set(proxies.flatMap(({ dataplane }) => servicesOf(dataplane.spec as DataplaneSpec)));
  const identities = [...services].sort().map((value) => ({ type: 'ServiceTag' as const, value }));
  const healthy = proxies.filter(({ dataplane }) => isHealthy(dataplane, ports)).length;
  const connected = proxies.filter((proxy) => proxy.connected).length;
  // Once ready, it stays so: proxies that come later start with TLS, only their certificate may take a moment.
  const ready = mtlsEnabled && (before === 'Ready' || proxies.every((proxy) => proxy.hasCertificate));
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

function isHealthy(dataplane: Resource, ports: readonly MeshServicePort[]): boolean {
  const inbounds = inboundsOf(dataplane.spec as DataplaneSpec);
  return ports.every((port) => {
    const inbound = inbounds.find((candidate) => serves(candidate, port));
    return inbound !== undefined && isInboundReady(inbound);
  });
}

function serves(inbound: DataplaneInbound, port: MeshServicePort): boolean {
  if (port.name !== undefined && port.name !== '' && inbound.name === port.name) return true;
  const target = port.targetPort ?? port.port;
  return typeof target === 'number' ? inbound.port === target : inbound.name === target;
}
