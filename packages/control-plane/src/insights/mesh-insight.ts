// How a mesh as a whole fares: its proxies by state, version and certificate authority, and how many resources of each kind it has. Pure.
import type { ProxyInsight } from './insight.ts';
import { proxyHealth } from './proxy-status.ts';
import type { ObservedDataplane, ServiceInsight } from './service-insight.ts';

/** Counts of proxies by state. */
export interface DataplaneCounts {
  readonly total: number;
  readonly online?: number;
  readonly offline?: number;
  readonly partiallyDegraded?: number;
}

/** Spec of MeshInsight. */
export interface MeshInsight {
  readonly dataplanes: DataplaneCounts;
  readonly dataplanesByType: {
    readonly standard: DataplaneCounts;
    readonly gateway: DataplaneCounts;
    readonly gatewayBuiltin: DataplaneCounts;
    readonly gatewayDelegated: DataplaneCounts;
  };
  /** By type; types without a resource are left out. */
  readonly policies: Readonly<Record<string, { readonly total: number }>>;
  readonly resources: Readonly<Record<string, { readonly total: number }>>;
  readonly dpVersions: {
    readonly kumaDp: Readonly<Record<string, DataplaneCounts>>;
    readonly envoy: Readonly<Record<string, DataplaneCounts>>;
  };
  readonly mTLS: {
    readonly issuedBackends: Readonly<Record<string, DataplaneCounts>>;
    readonly supportedBackends: Readonly<Record<string, DataplaneCounts>>;
  };
  readonly services: { readonly total: number; readonly internal: number; readonly external: number };
}

/** What a mesh consists of. */
export interface ObservedMesh {
  readonly dataplanes: readonly ObservedDataplane[];
  readonly services: ServiceInsight;
  /** Number of resources of each type of mesh scope. */
  readonly resources: readonly { readonly type: string; readonly policy: boolean; readonly total: number }[];
}

type State = 'online' | 'offline' | 'partiallyDegraded';

const stateOfStatus = {
  Online: 'online',
  Offline: 'offline',
  'Partially degraded': 'partiallyDegraded',
} as const satisfies Record<string, State>;

/** The insight of a mesh. */
export function meshInsight({ dataplanes, services, resources }: ObservedMesh): MeshInsight {
  const all = createTally();
  const kinds = {
    standard: createTally(),
    gateway: createTally(),
    gatewayBuiltin: createTally(),
    gatewayDelegated: createTally(),
  };
  const versions = { kumaDp: createTallies(), envoy: createTallies() };
  const backends = { issued: createTallies(), supported: createTallies() };
  for (const { dataplane, insight } of dataplanes) {
    const state = stateOfStatus[proxyHealth(dataplane, insight).status];
    const gateway = dataplane.networking?.gateway;
    all.add(state);
    if (gateway === undefined) kinds.standard.add(state);
    else {
      kinds.gateway.add(state);
      (gateway.type === 'BUILTIN' ? kinds.gatewayBuiltin : kinds.gatewayDelegated).add(state);
    }
    const { kumaDp, envoy } = versionsOf(insight);
    versions.kumaDp.add(kumaDp, state);
    versions.envoy.add(envoy, state);
    if (insight?.mTLS !== undefined) {
      backends.issued.add(insight.mTLS.issuedBackend, state);
      for (const backend of insight.mTLS.supportedBackends) backends.supported.add(backend, state);
    }
  }
  const present = resources.filter(({ total }) => total > 0).sort((left, right) => (left.type < right.type ? -1 : 1));
  const totals = (list: typeof present) => Object.fromEntries(list.map(({ type, total }) => [type, { total }]));
  const states = Object.values(services.services);
  const external = states.filter(({ serviceType }) => serviceType === 'external').length;
  return {
    dataplanes: all.counts(),
    dataplanesByType: {
      standard: kinds.standard.counts(),
      gateway: kinds.gateway.counts(),
      gatewayBuiltin: kinds.gatewayBuiltin.counts(),
      gatewayDelegated: kinds.gatewayDelegated.counts(),
    },
    policies: totals(present.filter(({ policy }) => policy)),
    resources: totals(present),
    dpVersions: { kumaDp: versions.kumaDp.counts(), envoy: versions.envoy.counts() },
    mTLS: { issuedBackends: backends.issued.counts(), supportedBackends: backends.supported.counts() },
    services: { total: states.length, internal: states.length - external, external },
  };
}

/** Versions of the newest connection. */
function versionsOf(insight: ProxyInsight | undefined): { readonly kumaDp: string; readonly envoy: string } {
  const version = insight?.subscriptions.at(-1)?.version;
  return { kumaDp: version?.kumaDp.version || 'unknown', envoy: version?.envoy.version || 'unknown' };
}

function createTally() {
  const numbers: Record<State, number> = { online: 0, offline: 0, partiallyDegraded: 0 };
  return {
    add(state: State): void {
      numbers[state] += 1;
    },
    /** As protobuf's JSON has it: what is zero is left out. */
    counts(): DataplaneCounts {
      const total = numbers.online + numbers.offline + numbers.partiallyDegraded;
      return { total, ...Object.fromEntries(Object.entries(numbers).filter(([, count]) => count > 0)) };
    },
  };
}

function createTallies() {
  const tallies = new Map<string, ReturnType<typeof createTally>>();
  return {
    add(key: string, state: State): void {
      const tally = tallies.get(key) ?? createTally();
      tallies.set(key, tally);
      tally.add(state);
    },
    counts(): Readonly<Record<string, DataplaneCounts>> {
      const entries = [...tallies].map(([key, tally]) => [key, tally.counts()] as const);
      return Object.fromEntries(entries.sort(([left], [right]) => (left < right ? -1 : 1)));
    },
  };
}
