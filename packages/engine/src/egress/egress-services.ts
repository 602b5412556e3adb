// What a zone egress serves, a part for each service outside of the mesh: built once for all egresses of a class, and again only when the service,
// the secrets it names or the policies for it change.
import { toBinary } from '@bufbuild/protobuf';
import type { Derivation, Graph } from '@ursa/collections';
import { buildCluster, buildFilterChain, type EnvoyResource, encodeResource, type FilterChainDraft } from '@ursa/envoy';
import { FilterChainSchema } from '@ursa/envoy/gen/envoy/config/listener/v3/listener_components_pb.ts';
import { destinationId, type ProxyFacts, type ProxyPolicy } from '@ursa/policy';
import { type ExternalServiceSpec, type MeshExternalServiceSpec, type Resource, tagNames } from '@ursa/resources';
import { collectorLookup } from '../collectors.ts';
import type { EngineInputs } from '../engine.ts';
import type { EgressIdentities } from '../identity/egress-identity.ts';
import type { TrustDomains } from '../identity/trust-domains.ts';
import type { MeshFacts } from '../mesh-facts.ts';
import type { OlderPolicies } from '../older-policies.ts';
import { externalServiceLookup, meshExternalServiceNames, protocolOf } from '../outside/outside-destinations.ts';
import { externalServiceFacts, meshExternalServiceFacts } from '../outside/outside-facts.ts';
import { outsideServers } from '../outside/outside-servers.ts';
import { parseProtocol } from '../protocol.ts';
import type { RuleDerivations } from '../rules.ts';
import { type EgressService, egressChain, egressCluster, egressListener } from '../skeleton/egress.ts';
import { legacySni, serviceSni } from '../sni.ts';
import { attempt, type Unbuilt } from '../unbuilt.ts';
import type { EgressClass } from './egress-class.ts';
import { type EgressPlace, walkExternalService, walkMeshExternalService } from './walk-egress.ts';

/** One service on the egresses of a class. */
export interface ServedPart {
  readonly type: 'served';
  readonly mesh: string;
  /** `Type/mesh/name`. */
  readonly resource: string;
  /** Server name by which clients ask for it. */
  readonly sni: string;
  readonly chain: FilterChainDraft['message'];
  readonly cluster: EnvoyResource;
  readonly problems: readonly string[];
}

/** True for the same parts in the same order. */
export function sameParts(
  before: readonly (ServedPart | Unbuilt)[],
  after: readonly (ServedPart | Unbuilt)[],
): boolean {
  return before.length === after.length && before.every((part, position) => part === after[position]);
}

/** What egresses serve. */
export interface EgressServices {
  /** Services of a mesh, by name, with those that cannot be served as they are. */
  readonly served: Derivation<readonly [mesh: string, egressClass: EgressClass], readonly (ServedPart | Unbuilt)[]>;
  /** Meshes that have services outside and an identity for egresses, sorted. */
  readonly meshes: Derivation<readonly [], readonly string[]>;
}

/** What they are derived from. */
export interface EgressServiceOptions {
  readonly graph: Graph;
  readonly inputs: EngineInputs;
  readonly policies: readonly ProxyPolicy[];
  readonly meshFacts: Derivation<readonly [mesh: string], MeshFacts | undefined>;
  readonly trustDomains: TrustDomains;
  readonly egressIdentities: EgressIdentities;
  readonly rules: Pick<RuleDerivations, 'ofExternalService' | 'ofMesh'>;
  readonly olderPolicies: OlderPolicies;
}

/** Derives them. */
export function deriveEgressServices(options: EgressServiceOptions): EgressServices {
  const { graph, inputs, policies, meshFacts, trustDomains, egressIdentities, rules, olderPolicies } = options;
  const equals = Object.is;
  const collectors = collectorLookup(inputs);
  const externals = inputs.resources('ExternalService');
  const meshExternals = inputs.resources('MeshExternalService');
  const byMesh = ({ mesh }: Resource) => [mesh];
  const keysOf = externalServiceLookup(inputs);

  const factsOf = (mesh: string, { features, names }: EgressClass): ProxyFacts => ({
    mesh,
    kind: 'zone-egress',
    features,
    mtls: true,
    workloadIdentity: false,
    unifiedNaming: names.unified,
    collectorOf: collectors(mesh),
  });
  const partOf = (
    service: EgressService,
    egressClass: EgressClass,
    tags: EgressPlace['tags'],
    said: Pick<ServedPart, 'resource' | 'problems'>,
    shape: (place: EgressPlace) => void,
  ): ServedPart => {
    const { mesh, protocol } = service;
    const { names } = egressClass;
    const chain = egressChain(service, names);
    const cluster = egressCluster(service, egressClass.ipv6);
    const proxy = factsOf(mesh, egressClass);
    shape({ proxy, protocol, tags, listener: egressListener(egressClass), chain, cluster });
    return {
      ...said,
      type: 'served',
      mesh,
      sni: service.sni,
      chain: encodableChain(chain),
      cluster: encodeResource('cluster', buildCluster(cluster), 'egress'),
    };
  };

  const externalService = graph.derive(
    'ExternalService on an egress',
    (mesh: string, service: string, egressClass: EgressClass): ServedPart | undefined => {
      const keys = keysOf(mesh, service);
      const resources = keys.flatMap((key) => externals.get(key) ?? []);
      const [first] = resources;
      const [key] = keys;
      if (first === undefined || key === undefined) return undefined;
      const { names, systemCaPath } = egressClass;
      const facts = resources.map((resource) => externalServiceFacts(inputs, resource));
      const endpoints = facts.flatMap((each) => each.endpoints);
      const { cluster, ...naming } = names.egressService(mesh, service);
      const served: EgressService = {
        mesh,
        trustDomains: trustDomains.names.get(mesh),
        protocol: protocolOf(resources),
        cluster: { name: cluster, altStatName: true },
        ...naming,
        sni: serviceSni(mesh, { [tagNames.service]: service }),
        servers: outsideServers({ endpoints, tlsByTags: true }, { mesh, systemCaPath }),
      };
      const said = { resource: `ExternalService/${key}`, problems: facts.flatMap(({ problems }) => problems) };
      const { tags = {} } = first.spec as ExternalServiceSpec;
      return partOf(served, egressClass, tags, said, (place) =>
        walkExternalService(policies, rules.ofExternalService.get(key), place, {
          olderPolicies,
          statistics: () => served.virtualHost,
        }),
      );
    },
    { equals },
  );

  const meshExternalService = graph.derive(
    'MeshExternalService on an egress',
    (key: string, egressClass: EgressClass): ServedPart | undefined => {
      const resource = meshExternals.get(key);
      if (resource === undefined) return undefined;
      const { mesh, labels } = resource;
      const { match } = resource.spec as MeshExternalServiceSpec;
      const { names, systemCaPath } = egressClass;
      const facts = meshExternalServiceFacts(inputs, resource);
      const name = names.outboundCluster(meshExternalServiceNames(resource));
      const served: EgressService = {
        mesh,
        trustDomains: trustDomains.names.get(mesh),
        protocol: parseProtocol(match.protocol ?? 'tcp'),
        cluster: { name, altStatName: false },
        chain: name,
        routes: name,
        virtualHost: name,
        sni: legacySni(resource.name, mesh, match.port, 'mes'),
        servers: outsideServers(facts, { mesh, systemCaPath }),
      };
      const said = { resource: `MeshExternalService/${key}`, problems: facts.problems };
      const target = { kind: 'resource' as const, id: destinationId(resource) };
      const open = meshFacts.get(mesh)?.forbidsOutside !== true;
      return partOf(served, egressClass, labels, said, (place) =>
        walkMeshExternalService(policies, rules.ofMesh.get(mesh), place, { target, open }),
      );
    },
    { equals },
  );

  const namesOf = graph.derive('ExternalServices of a mesh', (mesh: string): readonly string[] => {
    const names = externals
      .index('mesh', byMesh)
      .get(mesh)
      .map((key) => (externals.get(key)?.spec as ExternalServiceSpec | undefined)?.tags?.[tagNames.service] ?? '');
    return [...new Set(names)].filter((name) => keysOf(mesh, name).length > 0).sort();
  });
  const ofMesh = (mesh: string) => [...meshExternals.index('mesh', byMesh).get(mesh)].sort();
  const hasIdentity = graph.derive('mesh with an identity for egresses', (mesh: string) => {
    return !('problem' in egressIdentities.of.get(mesh));
  });

  return {
    served: graph.derive(
      'services of an egress',
      (mesh: string, egressClass: EgressClass): readonly (ServedPart | Unbuilt)[] => [
        ...namesOf.get(mesh).flatMap((service) => {
          const { cluster: name } = egressClass.names.egressService(mesh, service);
          const about = `ExternalService/${keysOf(mesh, service)[0]}`;
          const site = { origin: 'egress', of: 'cluster', name, about } as const;
          return attempt(site, () => [externalService.get(mesh, service, egressClass) ?? []].flat());
        }),
        ...ofMesh(mesh).flatMap((key) =>
          attempt({ origin: 'egress', about: `MeshExternalService/${key}` }, () =>
            [meshExternalService.get(key, egressClass) ?? []].flat(),
          ),
        ),
      ],
      { equals: sameParts },
    ),
    meshes: graph.derive('meshes of an egress', () =>
      [...inputs.resources('Mesh').keys()]
        .map((key) => key.slice(1))
        .filter((mesh) => hasIdentity.get(mesh) && (namesOf.get(mesh).length > 0 || ofMesh(mesh).length > 0))
        .sort(),
    ),
  };
}

/** The chain of a service. All chains stand in one listener: what cannot be encoded must be found out before. */
function encodableChain(draft: FilterChainDraft): FilterChainDraft['message'] {
  const chain = buildFilterChain(draft);
  toBinary(FilterChainSchema, chain);
  return chain;
}
