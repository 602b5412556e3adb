// Virtual addresses of services of one kind, derived: for those that are stored and those that are about to be.
import type { Derivation } from '@ursa/collections';
import { type AddressRange, kriOf, type Resource, type ResourceType } from '@ursa/resources';
import type { LiveResources } from '../store/live-resources.ts';
import { allocateLeased, deriveLeases } from './address-leases.ts';
import type { ServiceNames } from './service-names.ts';

/** A kind of service that gets addresses. */
export interface ServiceKind {
  readonly type: ResourceType;
  readonly range: AddressRange;
  /** Addresses in the status of a stored one. */
  readonly storedAddresses: (status: unknown) => readonly string[];
}

/** Later than any stored service: what is planned now is younger than what is there. */
export const notYetCreated = '9999-12-31T23:59:59Z';

/** The address of a service by key, `<mesh>/<name>`: its stored one, else the one it is given; undefined when none is left. */
export function deriveServiceAddresses(
  live: LiveResources,
  { services }: ServiceNames,
  kind: ServiceKind,
): Derivation<readonly [key: string], string | undefined> {
  const { graph } = live;
  const name = kind.type.name;
  const stored = live.resources(name);
  const leases = deriveLeases(live);
  const storedAddress = graph.derive(
    `stored-address/${name}`,
    (key: string) => kind.storedAddresses(stored.get(key)?.status)[0],
  );
  const allocated = graph.derive(`allocated-addresses/${name}`, (): ReadonlyMap<string, string> => {
    const taken: string[] = [];
    const keysByKri = new Map<string, string>();
    for (const service of services.get(name)) {
      const key = keyOf(service);
      const address = storedAddress.get(key);
      if (address === undefined) keysByKri.set(kriOf(kind.type, service) ?? key, key);
      else taken.push(address);
    }
    if (keysByKri.size === 0) return new Map();
    const addresses = allocateLeased(kind.range, [...keysByKri.keys()].sort(), taken, leases.get(name));
    return new Map([...addresses].map(([kri, address]) => [keysByKri.get(kri) ?? kri, address]));
  });
  return graph.derive(`address/${name}`, (key: string) => storedAddress.get(key) ?? allocated.get().get(key));
}

function keyOf(service: Pick<Resource, 'mesh' | 'name'>): string {
  return `${service.mesh}/${service.name}`;
}
