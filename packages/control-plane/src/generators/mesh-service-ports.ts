// Which MeshServices the Dataplanes of each mesh call for, with which ports. Derived per Dataplane and per service, so that a change costs what it touches.
import type { Derivation } from '@ursa/collections';
import {
  isGeneratedService,
  type MeshServicePort,
  type MeshServiceSpec,
  type MeshSpec,
  type Resource,
} from '@ursa/resources';
import { keyInType, type LiveResources } from '../store/live-resources.ts';
import { choosePorts, servedPorts } from './dataplane-ports.ts';

/** What Dataplanes call for. Keys are `<mesh>/<name>` of MeshServices. */
export interface MeshServicePorts {
  /** Keys of all MeshServices that Dataplanes call for, in meshes that use MeshServices. */
  readonly wanted: Derivation<readonly [], readonly string[]>;
  /** Ports of one of them; undefined when no Dataplane serves it, or the mesh does not use MeshServices. */
  readonly ports: Derivation<readonly [key: string], readonly MeshServicePort[] | undefined>;
  readonly usesMeshServices: Derivation<readonly [mesh: string], boolean>;
  /** Whether MeshServices are made, changed and deleted here at all. */
  readonly generates: boolean;
}

/** Derives the wanted MeshServices. `generates` false: none, and those that are there stay. */
export function deriveMeshServicePorts(live: LiveResources, generates: boolean): MeshServicePorts {
  const { graph } = live;
  const dataplanes = live.resources('Dataplane');
  const served = graph.derive('served-ports', (dataplaneKey: string) => {
    const dataplane = dataplanes.get(dataplaneKey);
    return dataplane === undefined ? [] : servedPorts(dataplane);
  });
  const usesMeshServices = graph.derive('uses-mesh-services', (mesh: string): boolean => {
    const spec = live.resources('Mesh').get(keyInType({ mesh: '', name: mesh }))?.spec as MeshSpec | undefined;
    return (spec?.meshServices?.mode ?? 'Disabled') !== 'Disabled';
  });
  const wantedOfMesh = graph.derive('wanted-mesh-services/mesh', (mesh: string): readonly string[] => {
    if (!generates || !usesMeshServices.get(mesh)) return [];
    const names = new Set<string>();
    for (const key of dataplanes.index('mesh', ofMesh).get(mesh))
      for (const { service } of served.get(key)) names.add(service);
    return [...names].sort().map((name) => keyInType({ mesh, name }));
  });
  return {
    generates,
    usesMeshServices,
    wanted: graph.derive('wanted-mesh-services', () =>
      live
        .resources('Mesh')
        .keys()
        .flatMap((meshKey) => wantedOfMesh.get(meshKey.slice(1))),
    ),
    ports: graph.derive('mesh-service-ports', (key: string): readonly MeshServicePort[] | undefined => {
      const [mesh = '', name = ''] = key.split('/');
      if (!usesMeshServices.get(mesh)) return undefined;
      const candidates = dataplanes
        .index('served', (dataplane) =>
          servedPorts(dataplane).map(({ service }) => keyInType({ mesh: dataplane.mesh, name: service })),
        )
        .get(key)
        .flatMap((dataplaneKey) => dataplanes.get(dataplaneKey) ?? [])
        .sort(byAge)
        .map((dataplane) => served.get(keyInType(dataplane)).find(({ service }) => service === name)?.ports ?? []);
      const stored = live.resources('MeshService').get(key);
      return choosePorts(
        candidates,
        stored !== undefined && isGeneratedService(stored) ? (stored.spec as MeshServiceSpec).ports : undefined,
      );
    }),
  };
}

function ofMesh(resource: Resource): readonly string[] {
  return [resource.mesh];
}

function byAge(one: Resource, other: Resource): number {
  if (one.creationTime !== other.creationTime) return one.creationTime < other.creationTime ? -1 : 1;
  return one.name < other.name ? -1 : 1;
}
