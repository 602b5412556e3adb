// MeshServices that Dataplanes call for and that are not stored yet.
import type { Derivation } from '@ursa/collections';
import { meshService } from '@ursa/resources';
import type { LiveResources } from '../store/live-resources.ts';
import type { NamedService } from './hostnames.ts';
import type { MeshServiceLabels } from './mesh-service-labels.ts';
import type { MeshServicePorts } from './mesh-service-ports.ts';
import { notYetCreated } from './service-addresses.ts';

/** Derives them, as far as addresses and host names depend on them. */
export function derivePlannedMeshServices(
  { graph, resources }: LiveResources,
  { wanted }: MeshServicePorts,
  { labels }: MeshServiceLabels,
): Derivation<readonly [], readonly NamedService[]> {
  const services = resources('MeshService');
  const isStored = graph.derive('mesh-service-stored', (key: string) => services.get(key) !== undefined);
  return graph.derive('planned-mesh-services', () =>
    wanted
      .get()
      .filter((key) => !isStored.get(key))
      .map((key) => {
        const [mesh = '', name = ''] = key.split('/');
        return { type: meshService.name, mesh, name, labels: labels.get(key), creationTime: notYetCreated };
      }),
  );
}
