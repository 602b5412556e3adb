// How the services of a mesh fare, from its Dataplanes and their insights. Pure; computed when somebody asks or something has changed.
import { type DataplaneSpec, isInboundReady, tagNames } from '@ursa/resources';
import { isConnected, type ProxyInsight } from './insight.ts';

/** A Dataplane and what is known of its proxy. */
export interface ObservedDataplane {
  readonly dataplane: DataplaneSpec;
  readonly insight: ProxyInsight | undefined;
}

/** Spec of the one ServiceInsight of a mesh. */
export interface ServiceInsight {
  readonly services: Readonly<Record<string, ServiceState>>;
}

export interface ServiceState {
  readonly serviceType: 'internal' | 'external' | 'gateway_builtin' | 'gateway_delegated';
  readonly status: 'online' | 'offline' | 'partially_degraded' | 'not_available';
  /** Absent for external services. */
  readonly dataplanes?: { readonly total: number; readonly online: number; readonly offline: number };
  /** Proxies by the backend that issued their certificate. */
  readonly issuedBackends?: Readonly<Record<string, number>>;
  /** Zones of its proxies, sorted. */
  readonly zones?: readonly string[];
}

interface Counts {
  serviceType: ServiceState['serviceType'];
  online: number;
  offline: number;
  readonly issuedBackends: Record<string, number>;
  readonly zones: Set<string>;
}

/** The services of a mesh by name, sorted. `externalServices` are the names of services outside the mesh. */
export function serviceInsight(
  dataplanes: Iterable<ObservedDataplane>,
  externalServices: Iterable<string>,
): ServiceInsight {
  const services = new Map<string, Counts>();
  for (const { dataplane, insight } of dataplanes) {
    const connected = isConnected(insight);
    for (const { name, type, ready, zone } of servicesOf(dataplane)) {
      const none = { serviceType: type, online: 0, offline: 0, issuedBackends: {}, zones: new Set<string>() };
      const counts: Counts = services.get(name) ?? none;
      if (zone !== undefined) counts.zones.add(zone);
      services.set(name, counts);
      if (connected && ready) counts.online += 1;
      else counts.offline += 1;
      const backend = insight?.mTLS?.issuedBackend;
      if (backend !== undefined) counts.issuedBackends[backend] = (counts.issuedBackends[backend] ?? 0) + 1;
    }
  }
  const states = new Map<string, ServiceState>([...services].map(([name, counts]) => [name, stateOf(counts)]));
  for (const name of externalServices) {
    if (!states.has(name)) states.set(name, { serviceType: 'external', status: 'not_available' });
  }
  return { services: Object.fromEntries([...states].sort(([left], [right]) => (left < right ? -1 : 1))) };
}

function stateOf({ serviceType, online, offline, issuedBackends, zones }: Counts): ServiceState {
  return {
    serviceType,
    status: offline === 0 ? 'online' : online === 0 ? 'offline' : 'partially_degraded',
    dataplanes: { total: online + offline, online, offline },
    ...(Object.keys(issuedBackends).length === 0 ? {} : { issuedBackends }),
    ...(zones.size === 0 ? {} : { zones: [...zones].sort() }),
  };
}

/** One service of a Dataplane. */
interface ServedService {
  readonly name: string;
  readonly type: Counts['serviceType'];
  readonly ready: boolean;
  readonly zone: string | undefined;
}

/** Each service of a Dataplane once; it is ready when one of its ports is. */
function servicesOf({ networking }: DataplaneSpec): Iterable<ServedService> {
  const gateway = networking?.gateway;
  if (gateway !== undefined) {
    const name = gateway.tags?.[tagNames.service];
    const type = gateway.type === 'BUILTIN' ? 'gateway_builtin' : 'gateway_delegated';
    return name === undefined ? [] : [{ name, type, ready: true, zone: gateway.tags?.[tagNames.zone] }];
  }
  const services = new Map<string, ServedService>();
  for (const inbound of networking?.inbound ?? []) {
    const name = inbound.tags?.[tagNames.service];
    if (name === undefined || inbound.state === 'Ignored') continue;
    const ready = isInboundReady(inbound) || services.get(name)?.ready === true;
    services.set(name, { name, type: 'internal', ready, zone: inbound.tags?.[tagNames.zone] });
  }
  return services.values();
}
