// MeshServices that Dataplanes call for and that are not stored yet.
import type { Derivation } from '@ursa/collections';
import { labelNames, meshService } from '@ursa/resources';
import type { LiveResources } from '../store/live-resources.ts';
import type { NamedService } from './hostnames.ts';
import { generatorName, type MeshServicePorts } from './mesh-service-ports.ts';
import { notYetCreated } from './service-addresses.ts';

/** Labels of a generated MeshService. */
export function generatedLabels(mesh: string, name: string, zone: string): Readonly<Record<string, string>> {
  return {
    [labelNames.displayName]: name,
    [labelNames.environment]: 'universal',
    [labelNames.managedBy]: generatorName,
    [labelNames.mesh]: mesh,
    [labelNames.origin]: 'zone',
    [labelNames.zone]: zone,
  };
}

/** Derives them, as far as addresses and host names depend on them. */
export function derivePlannedMeshServices(
  { graph, resources }: LiveResources,
  { wanted }: MeshServicePorts,
  zone: string,
): Derivation<readonly [], readonly NamedService[]> {
  const services = resources('MeshService');
  const isStored = graph.derive('mesh-service-stored', (key: string) => services.get(key) !== undefined);
  return graph.derive('planned-mesh-services', () =>
    wanted
      .get()
      .filter((key) => !isStored.get(key))
      .map((key) => {
        const [mesh = '', name = ''] = key.split('/');
        const labels = generatedLabels(mesh, name, zone);
        return { type: meshService.name, mesh, name, labels, creationTime: notYetCreated };
      }),
  );
}
