// What a zone egress leads to in other zones: the services that their ingresses offer. It passes their connections on as they are; who may
// call is decided where they end.
import type { Derivation, Graph } from '@ursa/collections';
import {
  buildCluster,
  buildFilterChain,
  type EndpointLocality,
  type EnvoyResource,
  encodeEndpoints,
  encodeResource,
  endpointsCluster,
  type FilterChainDraft,
} from '@ursa/envoy';
import { isIp, type Resource, tagNames, type ZoneIngressSpec } from '@ursa/resources';
import type { EngineInputs } from '../engine.ts';
import type { MeshFacts } from '../mesh-facts.ts';
import { isPort } from '../port.ts';
import { remoteChain } from '../skeleton/egress.ts';
import { serviceSni } from '../sni.ts';
import type { EgressClass } from './egress-class.ts';

/** A service of other zones on the egresses of a class. */
export interface RemotePart {
  /** Server name by which clients ask for it. */
  readonly sni: string;
  readonly chain: FilterChainDraft['message'];
  readonly cluster: EnvoyResource;
}

/** Services of other zones. */
export interface OtherZones {
  /** Their filter chains and clusters, by name; none where the Mesh does not route through egresses. */
  readonly parts: Derivation<readonly [mesh: string, egressClass: EgressClass], readonly RemotePart[]>;
  /** The ingresses behind each, as resources of Envoy. */
  readonly endpoints: Derivation<readonly [mesh: string, egressClass: EgressClass], readonly EnvoyResource[]>;
}

/** What an ingress offers of a mesh. */
interface Offer {
  readonly service: string;
  readonly zone: string;
  readonly endpoint: EndpointLocality['endpoints'][number];
}

/** Derives them. */
export function deriveOtherZones(
  graph: Graph,
  inputs: EngineInputs,
  meshFacts: Derivation<readonly [mesh: string], MeshFacts | undefined>,
): OtherZones {
  const ingresses = inputs.resources('ZoneIngress');
  const isEnabled = graph.derive('zone that takes traffic', (zone: string) => {
    const spec = inputs.resources('Zone').get(`/${zone}`)?.spec as { readonly enabled?: boolean } | undefined;
    return spec?.enabled !== false;
  });
  const throughEgress = graph.derive('routes through egresses', (mesh: string) => {
    const facts = meshFacts.get(mesh);
    return facts?.zoneEgress === true && facts.mtls !== undefined;
  });
  const offers = graph.derive('offers of other zones', (mesh: string): readonly Offer[] => {
    if (!throughEgress.get(mesh)) return [];
    return [...ingresses.keys()].sort().flatMap((key) => {
      const resource = ingresses.get(key);
      const { zone = '' } = (resource?.spec ?? {}) as ZoneIngressSpec;
      const away = zone !== '' && zone !== inputs.settings.zone;
      return resource !== undefined && away && isEnabled.get(zone) ? offersOf(resource, mesh) : [];
    });
  });
  const services = graph.derive('services of other zones', (mesh: string): readonly string[] =>
    [...new Set(offers.get(mesh).map(({ service }) => service))].sort(),
  );
  const part = graph.derive(
    'service of other zones on an egress',
    (mesh: string, service: string, { names }: EgressClass): RemotePart => {
      const { cluster } = names.egressService(mesh, service);
      const sni = serviceSni(mesh, { [tagNames.service]: service });
      const chain = remoteChain(cluster, sni);
      const draft = endpointsCluster(cluster, undefined, true);
      return { sni, chain: buildFilterChain(chain), cluster: encodeResource('cluster', buildCluster(draft), 'egress') };
    },
    { equals: Object.is },
  );
  const endpoints = graph.derive(
    'ingresses behind a service',
    (mesh: string, service: string, { names }: EgressClass): EnvoyResource => {
      const offered = Map.groupBy(
        offers.get(mesh).filter((offer) => offer.service === service),
        ({ zone }) => zone,
      );
      const localities = [...offered].map(([zone, members]) => ({
        zone,
        endpoints: members.map(({ endpoint }) => endpoint),
      }));
      return encodeEndpoints(names.egressService(mesh, service).cluster, localities);
    },
    { equals: Object.is },
  );
  return {
    parts: graph.derive('services of other zones on an egress', (mesh: string, egressClass: EgressClass) =>
      services.get(mesh).map((service) => part.get(mesh, service, egressClass)),
    ),
    endpoints: graph.derive('ingresses behind services', (mesh: string, egressClass: EgressClass) =>
      services.get(mesh).map((service) => endpoints.get(mesh, service, egressClass)),
    ),
  };
}

/** Traffic is shared out between ingresses by how many instances each has. */
function offersOf(ingress: Resource, mesh: string): readonly Offer[] {
  const { networking = {}, availableServices = [] } = ingress.spec as ZoneIngressSpec;
  const { advertisedAddress: address, advertisedPort: port } = networking;
  if (address === undefined || !isIp(address) || !isPort(port)) return [];
  return availableServices.flatMap(({ tags = {}, instances = 1, mesh: of }): Offer[] => {
    const { [tagNames.service]: service, ...others } = tags;
    if (service === undefined || of !== mesh || !isWeight(instances)) return [];
    const endpoint = { address, port, weight: instances, tags: { ...others, mesh } };
    return [{ service, zone: others[tagNames.zone] ?? '', endpoint }];
  });
}

/** True for a weight that Envoy takes. */
function isWeight(instances: number): boolean {
  return Number.isInteger(instances) && instances > 0 && instances < 2 ** 32;
}
