// Which virtual address belongs to which service, also after the service is gone: what an application remembers of a name must not lead to another
// service. Kept in the store as a resource that the API does not serve, for all kinds of services together.
import type { Derivation } from '@ursa/collections';
import { type AddressRange, allocateAddresses, isInRange, type Resource } from '@ursa/resources';
import type { LiveResources } from '../store/live-resources.ts';

/** An address that was given away. */
export interface AddressLease {
  readonly address: string;
  /** When its service went (milliseconds since 1970); undefined while it is there. */
  readonly releasedAt?: number;
}

/** Leases by pool (the kind of service) and by the service's name within it. */
export type AddressLeases = ReadonlyMap<string, ReadonlyMap<string, AddressLease>>;

/** Pool of the services that are known by their tag; names are `<mesh>/<service>`. */
export const tagPool = 'service';

/** Where leases are stored. */
export const leasesKey = { type: 'Config', mesh: '', name: 'kuma-virtual-addresses' } as const;

/** Milliseconds for which nobody else gets the address of a service that is gone. Longer than any host remembers an answer of DNS. */
export const keptFor = 24 * 3600 * 1000;

/** Reads the stored resource; none, or one that makes no sense, is no lease at all. */
export function readLeases(resource: Resource | undefined): AddressLeases {
  const text = (resource?.spec as { readonly config?: unknown } | undefined)?.config;
  let pools: unknown;
  try {
    pools = typeof text === 'string' ? JSON.parse(text) : {};
  } catch {
    pools = {};
  }
  return new Map(
    entriesOf(pools).map(([pool, leases]) => [
      pool,
      new Map(
        entriesOf(leases).flatMap(([name, lease]): [string, AddressLease][] => {
          const [address, releasedAt] = Array.isArray(lease) ? lease : [];
          if (typeof address !== 'string') return [];
          return [[name, typeof releasedAt === 'number' ? { address, releasedAt } : { address }]];
        }),
      ),
    ]),
  );
}

/** The content of the stored resource. */
export function formatLeases(leases: AddressLeases): { readonly config: string } {
  const pools = [...leases].map(([pool, names]) => [
    pool,
    Object.fromEntries(
      [...names].map(([name, { address, releasedAt }]) => [
        name,
        releasedAt === undefined ? [address] : [address, releasedAt],
      ]),
    ),
  ]);
  return { config: JSON.stringify(Object.fromEntries(pools)) };
}

/**
 * Leases as they are to be when these addresses are in use now: new ones are added, those of services that are gone are released, and forgotten
 * when their time is over. The same object when nothing changes.
 */
export function updateLeases(
  leases: AddressLeases,
  inUse: ReadonlyMap<string, ReadonlyMap<string, string>>,
  now: number,
): AddressLeases {
  let changed = false;
  const updated = new Map<string, ReadonlyMap<string, AddressLease>>();
  for (const pool of new Set([...leases.keys(), ...inUse.keys()])) {
    const [known, used] = [
      leases.get(pool) ?? new Map<string, AddressLease>(),
      inUse.get(pool) ?? new Map<string, string>(),
    ];
    const next = new Map<string, AddressLease>();
    for (const [name, lease] of known) {
      if (used.has(name)) continue;
      const { releasedAt = now } = lease;
      const isOver = now - releasedAt >= keptFor;
      changed ||= isOver || lease.releasedAt === undefined;
      if (!isOver) next.set(name, { address: lease.address, releasedAt });
    }
    for (const [name, address] of used) {
      const lease = known.get(name);
      changed ||= lease?.address !== address || lease.releasedAt !== undefined;
      next.set(name, { address });
    }
    updated.set(pool, next);
  }
  return changed ? updated : leases;
}

/** When the first of the released leases is over; undefined when none was released. */
export function nextExpiry(leases: AddressLeases): number | undefined {
  const times = [...leases.values()].flatMap((names) =>
    [...names.values()].flatMap(({ releasedAt }) => (releasedAt === undefined ? [] : [releasedAt + keptFor])),
  );
  return times.length === 0 ? undefined : times.reduce((first, time) => Math.min(first, time));
}

/**
 * Gives addresses as `allocateAddresses` does, but to each name the one that it has or had, and to none what another had within the time that leases
 * are kept.
 */
export function allocateLeased(
  range: AddressRange,
  names: readonly string[],
  taken: Iterable<string>,
  leases: ReadonlyMap<string, AddressLease>,
): ReadonlyMap<string, string> {
  const used = new Set(taken);
  const given = new Map<string, string>();
  const others: string[] = [];
  for (const name of names) {
    const address = leases.get(name)?.address;
    if (address === undefined || used.has(address) || !isInRange(range, address)) others.push(name);
    else {
      used.add(address);
      given.set(name, address);
    }
  }
  for (const { address } of leases.values()) used.add(address);
  for (const [name, address] of allocateAddresses(range, others, used)) given.set(name, address);
  return given;
}

/** The stored leases of a pool, as the graph of `live` sees them. */
export function deriveLeases(
  live: LiveResources,
): Derivation<readonly [pool: string], ReadonlyMap<string, AddressLease>> {
  const all = live.graph.derive('address-leases', () =>
    readLeases(live.resources(leasesKey.type).get(`/${leasesKey.name}`)),
  );
  const none: ReadonlyMap<string, AddressLease> = new Map();
  return live.graph.derive('address-leases/pool', (pool: string) => all.get().get(pool) ?? none);
}

function entriesOf(value: unknown): [string, unknown][] {
  return typeof value === 'object' && value !== null ? Object.entries(value) : [];
}
