// Virtual addresses and host names of services of one kind, derived: for those that are stored and those that are about to be.
import type { Derivation } from '@ursa/collections';
import { type AddressRange, kriOf, type Resource, type ResourceType } from '@ursa/resources';
import type { LiveResources } from '../store/live-resources.ts';
import { allocateLeased, deriveLeases } from './address-leases.ts';
import {
  type HostnameStatus,
  hostnamesOf,
  type NamedService,
  type ServiceSelector,
  sortGenerators,
} from './hostnames.ts';

/** A kind of service that gets addresses. */
export interface ServiceKind {
  readonly type: ResourceType;
  readonly selector: ServiceSelector;
  readonly range: AddressRange;
  /** Addresses in the status of a stored one. */
  readonly storedAddresses: (status: unknown) => readonly string[];
  /** Services that are about to be created: they get their addresses with their creation. */
  readonly planned: Derivation<readonly [], readonly NamedService[]>;
}

/** Addresses and host names by key, `<mesh>/<name>`. */
export interface ServiceAddresses {
  /** Its stored address, else the one it is given; undefined when none is left. */
  readonly address: Derivation<readonly [key: string], string | undefined>;
  readonly hostnames: Derivation<readonly [key: string], HostnameStatus>;
}

/** Later than any stored service: what is planned now is younger than what is there. */
export const notYetCreated = '9999-12-31T23:59:59Z';

/** Derives the addresses of a kind of service. */
export function deriveServiceAddresses(live: LiveResources, kind: ServiceKind): ServiceAddresses {
  const { graph } = live;
  const name = kind.type.name;
  const stored = live.resources(name);
  const leases = deriveLeases(live);
  const generators = graph.derive(`hostname-generators/${name}`, () => {
    const all = live.resources('HostnameGenerator');
    return sortGenerators(all.keys().flatMap((key) => all.get(key) ?? []));
  });
  // What addresses and names depend on: statuses, which change all the time, are not part of it.
  const named = graph.derive(`named-service/${name}`, (key: string): NamedService | undefined => {
    const resource = stored.get(key);
    if (resource === undefined) return undefined;
    const { type, mesh, labels, creationTime } = resource;
    return { type, mesh, name: resource.name, labels, creationTime };
  });
  const storedAddress = graph.derive(
    `stored-address/${name}`,
    (key: string) => kind.storedAddresses(stored.get(key)?.status)[0],
  );
  const services = graph.derive(`named-services/${name}`, (): readonly NamedService[] => [
    ...stored.keys().flatMap((key) => named.get(key) ?? []),
    ...kind.planned.get(),
  ]);
  const allocated = graph.derive(`allocated-addresses/${name}`, (): ReadonlyMap<string, string> => {
    const taken: string[] = [];
    const keysByKri = new Map<string, string>();
    for (const service of services.get()) {
      const key = keyOf(service);
      const address = storedAddress.get(key);
      if (address === undefined) keysByKri.set(kriOf(kind.type, service) ?? key, key);
      else taken.push(address);
    }
    if (keysByKri.size === 0) return new Map();
    const addresses = allocateLeased(kind.range, [...keysByKri.keys()].sort(), taken, leases.get(name));
    return new Map([...addresses].map(([kri, address]) => [keysByKri.get(kri) ?? kri, address]));
  });
  const hostnamesOfMesh = graph.derive(`hostnames/${name}`, (mesh: string) =>
    hostnamesOf(
      kind.selector,
      generators.get(),
      services.get().filter((service) => service.mesh === mesh),
    ),
  );
  return {
    address: graph.derive(`address/${name}`, (key: string) => storedAddress.get(key) ?? allocated.get().get(key)),
    hostnames: graph.derive(`service-hostnames/${name}`, (key: string): HostnameStatus => {
      const [mesh = '', service = ''] = key.split('/');
      return hostnamesOfMesh.get(mesh).get(service) ?? {};
    }),
  };
}

function keyOf(service: Pick<Resource, 'mesh' | 'name'>): string {
  return `${service.mesh}/${service.name}`;
}
