// External services as destinations of a proxy: reached through the zone's egresses, or, the older kind without `routing.zoneEgress`, directly.
import type { Derivation, Graph } from '@ursa/collections';
import { legacyServiceName } from '@ursa/envoy';
import { destinationId, labelsMatch } from '@ursa/policy';
import {
  displayNameOf,
  type ExternalServiceSpec,
  formatKri,
  labelNames,
  type MeshExternalServiceSpec,
  type Resource,
  tagNames,
} from '@ursa/resources';
import type { Destination } from '../destinations.ts';
import type { EngineInputs } from '../engine.ts';
import type { EgressIdentities } from '../identity/egress-identity.ts';
import type { MeshFacts } from '../mesh-facts.ts';
import { commonProtocol, parseProtocol } from '../protocol.ts';
import { legacySni, serviceSni } from '../sni.ts';
import { externalServiceFacts } from './outside-facts.ts';
import type { EgressAddresses } from './zone-egresses.ts';

/** Destinations outside of the mesh. */
export interface OutsideDestinations {
  /** `port` 0: whichever it has. */
  meshExternalService(key: string, port: number): Destination | undefined;
  /** The ExternalServices of a name together; undefined when there is none. */
  externalService(mesh: string, service: string): Destination | undefined;
}

/** Keys of the ExternalServices of a mesh with this service tag that can be reached from the zone, sorted. */
export function externalServiceLookup(inputs: EngineInputs): (mesh: string, service: string) => readonly string[] {
  const resources = inputs.resources('ExternalService');
  const byService = resources.index('service', ({ mesh, spec }: Resource) => {
    const { [tagNames.service]: service = '', [tagNames.zone]: zone } = (spec as ExternalServiceSpec).tags ?? {};
    return zone === undefined || zone === inputs.settings.zone ? [`${mesh} ${service}`] : [];
  });
  return (mesh, service) => [...byService.get(`${mesh} ${service}`)].sort();
}

/** Name of a MeshExternalService's cluster, and of its filter chain on an egress. */
export function meshExternalServiceNames(resource: Resource): { readonly legacyName: string; readonly kri: string } {
  const { mesh, labels } = resource;
  const name = displayNameOf(resource);
  const [zone, namespace] = [labels[labelNames.zone] ?? '', labels[labelNames.namespace] ?? ''];
  const { port } = (resource.spec as MeshExternalServiceSpec).match;
  return {
    legacyName: legacyServiceName({ mesh, name, namespace, zone, shortType: 'extsvc', port }),
    kri: formatKri({ type: 'extsvc', mesh, zone, namespace, name, section: String(port) }),
  };
}

const withoutEgress =
  'traffic to it goes through a zone egress, and there is none in the zone: run one (kuma-dp run --proxy-type=egress)';

/** Derives them. */
export function deriveOutsideDestinations(
  graph: Graph,
  inputs: EngineInputs,
  meshFacts: Derivation<readonly [mesh: string], MeshFacts | undefined>,
  egresses: EgressAddresses,
  egressIdentities: EgressIdentities,
): OutsideDestinations {
  const hasEgress = graph.derive('has a zone egress', () => egresses.get().length > 0);
  /** Why no egress can be used; none: it can. */
  const egressProblems = (mesh: string): readonly string[] => {
    const identity = egressIdentities.of.get(mesh);
    if ('problem' in identity) return [identity.problem];
    return hasEgress.get() ? [] : [withoutEgress];
  };
  // Egresses have one certificate in a mesh, and one chain for a service, whoever issued the certificate of the client.
  const egressTls = (mesh: string, sni: string): Pick<Destination, 'tls' | 'workloadTls'> => {
    if ('problem' in egressIdentities.of.get(mesh)) return { tls: undefined, workloadTls: undefined };
    const workloadTls = { sni, identities: hasEgress.get() ? egressIdentities.names.get(mesh) : [] };
    return { tls: meshFacts.get(mesh)?.mtls && workloadTls, workloadTls };
  };
  const keysOf = externalServiceLookup(inputs);

  const direct = (mesh: string, service: string, resources: readonly Resource[]): Destination => {
    const facts = resources.map((resource) => externalServiceFacts(inputs, resource));
    const protocol = protocolOf(resources);
    const endpoints = facts.flatMap((each) => each.endpoints);
    return {
      ...serviceParts(mesh, service),
      protocol,
      source: { kind: 'outside' },
      tls: undefined,
      workloadTls: undefined,
      outside: {
        protocol,
        servers: { endpoints, tlsByTags: true },
        problems: facts.flatMap(({ problems }) => problems),
      },
    };
  };
  const throughEgress = (mesh: string, service: string, resources: readonly Resource[]): Destination => {
    const problems = egressProblems(mesh);
    const protocol = protocolOf(resources);
    const through = resources.map(({ spec }) => {
      const { [tagNames.service]: _service, ...tags } = (spec as ExternalServiceSpec).tags ?? {};
      return { tags, zone: tags[tagNames.zone] ?? '' };
    });
    return {
      ...serviceParts(mesh, service),
      protocol,
      source: { kind: 'egress', through: problems.length === 0 ? through : [] },
      ...egressTls(mesh, serviceSni(mesh, { [tagNames.service]: service })),
      outside: { protocol: problems.length === 0 ? protocol : 'unknown', servers: undefined, problems },
    };
  };

  interface WithPort {
    readonly port: number;
    readonly destination: Destination;
  }
  const ofResource = graph.derive('MeshExternalService', (key: string): WithPort | undefined => {
    const resource = inputs.resources('MeshExternalService').get(key);
    const match = (resource?.spec as MeshExternalServiceSpec | undefined)?.match;
    if (resource === undefined || match === undefined) return undefined;
    const { mesh, labels } = resource;
    const problems = egressProblems(mesh);
    const protocol = parseProtocol(match.protocol ?? 'tcp');
    const path = { tags: labels, zone: labels[labelNames.zone] ?? '' };
    const destination: Destination = {
      ...meshExternalServiceNames(resource),
      mesh,
      target: { kind: 'resource', id: destinationId(resource) },
      protocol,
      source: { kind: 'egress', through: problems.length === 0 ? [path] : [] },
      ...egressTls(mesh, legacySni(resource.name, mesh, match.port, 'mes')),
      outside: { protocol: problems.length === 0 ? protocol : 'unknown', servers: undefined, problems },
    };
    return { port: match.port, destination };
  });

  return {
    meshExternalService(key, port) {
      const found = ofResource.get(key);
      return found !== undefined && (port === 0 || port === found.port) ? found.destination : undefined;
    },
    externalService(mesh, service) {
      const resources = keysOf(mesh, service).flatMap((key) => inputs.resources('ExternalService').get(key) ?? []);
      if (resources.length === 0) return undefined;
      const build = meshFacts.get(mesh)?.zoneEgress === true ? throughEgress : direct;
      return build(mesh, service, resources);
    },
  };
}

const mixedOnEgress =
  'its tags select some of the ExternalServices of that name, and a zone egress tells them apart by kuma.io/service only: give those a kuma.io/service of their own';

/** What of a destination outside has these tags: itself where all of it has; undefined for destinations in the mesh. */
export function outsideSubset(
  destination: Destination,
  tags: Readonly<Record<string, string>>,
): Destination | undefined {
  const { outside, source } = destination;
  if (outside?.servers !== undefined) {
    const endpoints = outside.servers.endpoints.filter((endpoint) => labelsMatch(tags, endpoint.tags));
    if (endpoints.length === outside.servers.endpoints.length) return destination;
    return { ...destination, outside: { ...outside, servers: { ...outside.servers, endpoints } } };
  }
  if (outside === undefined || source.kind !== 'egress') return undefined;
  const { through } = source;
  if (through.every((path) => labelsMatch(tags, path.tags))) return destination;
  const problems = [...outside.problems, mixedOnEgress];
  return { ...destination, source: { kind: 'egress', through: [] }, outside: { ...outside, problems } };
}

/** The most specific protocol that all external services of a name speak. */
export function protocolOf(resources: readonly Resource[]): Destination['protocol'] {
  return commonProtocol(
    resources.map(({ spec }) => parseProtocol((spec as ExternalServiceSpec).tags?.[tagNames.protocol])),
  );
}

function serviceParts(mesh: string, service: string): Pick<Destination, 'mesh' | 'target' | 'legacyName' | 'kri'> {
  return { mesh, target: { kind: 'service', service }, legacyName: service, kri: undefined };
}
