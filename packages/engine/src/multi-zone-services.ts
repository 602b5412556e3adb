// MeshMultiZoneServices: one destination made of all MeshServices that their selector matches. Those of other zones are MeshServices too, once they
// are synced: nothing here knows of zones.
import type { Derivation, Graph } from '@ursa/collections';
import { legacyServiceName } from '@ursa/envoy';
import { destinationId, labelsMatch, portName } from '@ursa/policy';
import {
  displayNameOf,
  formatKri,
  formatSni,
  labelNames,
  type MeshMultiZoneServiceSpec,
  meshMultiZoneService,
  type Resource,
} from '@ursa/resources';
import type { Destination, ServiceIdentities, ServiceTls } from './destinations.ts';
import type { EngineInputs } from './engine.ts';
import { parseProtocol } from './protocol.ts';
import { legacySni } from './sni.ts';

/** Derivations of services over several zones. */
export interface MultiZoneServiceDerivations {
  /** Keys of the MeshServices that are part of one, sorted. */
  readonly members: Derivation<readonly [key: string], readonly string[]>;
  /** A port. `byNumber` as for MeshServices. */
  readonly destination: Derivation<readonly [key: string, port: number, byNumber: boolean], Destination | undefined>;
}

type IdentitiesOfService = (meshServiceKey: string) => ServiceIdentities;

/** Derives them. */
export function deriveMultiZoneServices(
  graph: Graph,
  inputs: EngineInputs,
  identitiesOf: IdentitiesOfService,
): MultiZoneServiceDerivations {
  const services = inputs.resources(meshMultiZoneService.name);
  const meshServices = inputs.resources('MeshService');
  const byLabel = meshServices.index('label', (resource: Resource) =>
    Object.entries(resource.labels).map(([label, value]) => `${resource.mesh} ${label}=${value}`),
  );
  const members = graph.derive('members of a MeshMultiZoneService', (key: string): readonly string[] => {
    const resource = services.get(key);
    const wanted = (resource?.spec as MeshMultiZoneServiceSpec | undefined)?.selector.meshService.matchLabels ?? {};
    const [label] = Object.entries(wanted);
    if (resource === undefined || label === undefined) return [];
    const candidates = byLabel.get(`${resource.mesh} ${label[0]}=${label[1]}`);
    return candidates.filter((member) => labelsMatch(wanted, meshServices.get(member)?.labels ?? {})).sort();
  });
  const destination = graph.derive(
    'MeshMultiZoneService',
    (key: string, port: number, byNumber: boolean): Destination | undefined => {
      const resource = services.get(key);
      const ports = (resource?.spec as MeshMultiZoneServiceSpec | undefined)?.ports ?? [];
      const found = ports.find((candidate) => candidate.port === port);
      if (resource === undefined || found === undefined) return undefined;
      const { mesh, labels } = resource;
      const name = displayNameOf(resource);
      const [zone, namespace] = [labels[labelNames.zone] ?? '', labels[labelNames.namespace] ?? ''];
      const section = byNumber ? String(port) : portName(found);
      const identities = members.get(key).map(identitiesOf);
      // One connection is either TLS or not: only when all members speak it.
      const secured = (sni: string, each: readonly (readonly string[] | undefined)[]): ServiceTls | undefined => {
        if (each.length === 0 || each.includes(undefined)) return undefined;
        return { sni, identities: [...new Set(each.flatMap((some) => some ?? []))].sort() };
      };
      return {
        mesh,
        target: { kind: 'resource', id: destinationId(resource, portName(found)) },
        source: { kind: 'MeshMultiZoneService', key, port },
        legacyName: legacyServiceName({ mesh, name, namespace, zone, shortType: 'mzsvc', port }),
        kri: formatKri({ type: 'mzsvc', mesh, zone, namespace, name, section }),
        protocol: parseProtocol(found.appProtocol ?? 'tcp'),
        tls: secured(
          legacySni(resource.name, mesh, port, 'mzms'),
          identities.map(({ toMesh }) => toMesh),
        ),
        workloadTls: secured(
          formatSni(meshMultiZoneService, resource, portName(found)),
          identities.map(({ toWorkloads }) => toWorkloads),
        ),
      };
    },
  );
  return { members, destination };
}
