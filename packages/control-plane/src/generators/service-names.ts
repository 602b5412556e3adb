// Services that get addresses and host names, of all kinds, and their host names: derived together, since no two may have the same.
import type { Derivation } from '@ursa/collections';
import type { LiveResources } from '../store/live-resources.ts';
import {
  type HostnameStatus,
  hostnamesOf,
  type NamedService,
  namedTypes,
  nameKeyOf,
  sortGenerators,
} from './hostnames.ts';

/** Services and their host names. */
export interface ServiceNames {
  /** Services of a type, stored ones and those that are about to be. */
  readonly services: Derivation<readonly [type: string], readonly NamedService[]>;
  /** Keys are `<mesh>/<name>`. */
  readonly hostnames: Derivation<readonly [type: string, key: string], HostnameStatus>;
}

/** Derives the names. `planned`: MeshServices that are about to be created, which get their addresses and names with their creation. */
export function deriveServiceNames(
  live: LiveResources,
  planned: Derivation<readonly [], readonly NamedService[]>,
): ServiceNames {
  const { graph } = live;
  const generators = graph.derive('hostname-generators', () => {
    const all = live.resources('HostnameGenerator');
    return sortGenerators(all.keys().flatMap((key) => all.get(key) ?? []));
  });
  // What addresses and names depend on: statuses, which change all the time, are not part of it.
  const named = graph.derive('named-service', (type: string, key: string): NamedService | undefined => {
    const resource = live.resources(type).get(key);
    if (resource === undefined) return undefined;
    const { mesh, name, labels, creationTime } = resource;
    return { type, mesh, name, labels, creationTime };
  });
  const services = graph.derive('named-services', (type: string): readonly NamedService[] => [
    ...live
      .resources(type)
      .keys()
      .flatMap((key) => named.get(type, key) ?? []),
    ...planned.get().filter((service) => service.type === type),
  ]);
  const ofMesh = graph.derive('named-services/mesh', (mesh: string): readonly NamedService[] =>
    namedTypes.flatMap((type) => services.get(type).filter((service) => service.mesh === mesh)),
  );
  const hostnamesOfMesh = graph.derive('hostnames', (mesh: string) => hostnamesOf(generators.get(), ofMesh.get(mesh)));
  return {
    services,
    hostnames: graph.derive('service-hostnames', (type: string, key: string): HostnameStatus => {
      const [mesh = '', name = ''] = key.split('/');
      return hostnamesOfMesh.get(mesh).get(nameKeyOf({ type, name })) ?? {};
    }),
  };
}
