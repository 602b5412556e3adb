// Who serves a destination. Apart from everything else, so that an endpoint's coming or going changes one endpoint resource and nothing more.
import type { Derivation, Graph, Index } from '@ursa/collections';
import { type EndpointLocality, type EnvoyResource, encodeEndpoints } from '@ursa/envoy';
import { labelsMatch, type ProxyPolicy, tagsMatch } from '@ursa/policy';
import { type DataplaneSpec, inboundsBehind, isGeneratedService, type Resource, tagNames } from '@ursa/resources';
import type { DataplaneFacts, InboundFacts } from './dataplane-facts.ts';
import type { Destination, EgressPath, EndpointSource, MeshServicePort, MeshServiceSpec } from './destinations.ts';
import type { EngineInputs } from './engine.ts';
import type { EgressAddress, EgressAddresses } from './outside/zone-egresses.ts';
import type { RuleSets } from './rule-views.ts';
import { shapeEndpoints, shapingsOf } from './shaped-endpoints.ts';

type DataplaneDerivation = Derivation<readonly [key: string], DataplaneFacts | undefined>;

/** Looks Dataplanes up by what serves. */
export interface DataplaneLookup {
  byTag(mesh: string, tag: string, value: string): readonly DataplaneFacts[];
  byLabel(mesh: string, label: string, value: string): readonly DataplaneFacts[];
  byName(mesh: string, name: string): readonly DataplaneFacts[];
}

/** Lookups that are tracked by bucket. */
export function dataplaneLookup(inputs: EngineInputs, dataplane: DataplaneDerivation): DataplaneLookup {
  const resources = inputs.resources('Dataplane');
  const tagIndex = resources.index('inbound tag', (resource: Resource) => {
    const inbounds = (resource.spec as DataplaneSpec).networking?.inbound ?? [];
    return inbounds.flatMap(({ tags = {} }) =>
      Object.entries(tags).map(([tag, value]) => `${resource.mesh} ${tag}=${value}`),
    );
  });
  const labelIndex = resources.index('label', (resource: Resource) =>
    Object.entries(resource.labels).map(([label, value]) => `${resource.mesh} ${label}=${value}`),
  );
  const all = (keys: readonly string[]): DataplaneFacts[] => keys.flatMap((key) => dataplane.get(key) ?? []);
  const inBucket = (index: Index, mesh: string, key: string, value: string) =>
    all(index.get(`${mesh} ${key}=${value}`));
  return {
    byTag: (mesh, tag, value) => inBucket(tagIndex, mesh, tag, value),
    byLabel: (mesh, label, value) => inBucket(labelIndex, mesh, label, value),
    byName: (mesh, name) => all([`${mesh}/${name}`]),
  };
}

const protocolOf = ({ protocol }: InboundFacts): string => (protocol === 'unknown' ? 'tcp' : protocol);

/** A Dataplane that a MeshService selects, and those of its inbounds that are behind a port, ready or not. */
interface SelectedInstance {
  readonly dataplane: DataplaneFacts;
  readonly behind: readonly InboundFacts[];
}

function selectedInstances(resource: Resource, port: MeshServicePort, lookup: DataplaneLookup): SelectedInstance[] {
  const { selector, ports = [] } = resource.spec as MeshServiceSpec;
  const { dataplaneTags, dataplaneRef, dataplaneLabels } = selector ?? {};
  const served = { port, ports, generated: isGeneratedService(resource) };
  const serving = (dataplanes: readonly DataplaneFacts[], isSelected = (_inbound: InboundFacts) => true) =>
    dataplanes.map((dataplane) => ({
      dataplane,
      behind: inboundsBehind(served, dataplane.inbounds.filter(isSelected), protocolOf),
    }));
  if (dataplaneRef?.name !== undefined) return serving(lookup.byName(resource.mesh, dataplaneRef.name));
  const labels = dataplaneLabels?.matchLabels;
  const [label] = Object.entries(labels ?? {});
  if (labels !== undefined && label !== undefined) {
    return serving(
      lookup.byLabel(resource.mesh, ...label).filter((dataplane) => labelsMatch(labels, dataplane.labels)),
    );
  }
  const tags = dataplaneTags ?? {};
  const tag = Object.entries(tags).find(([key]) => key === tagNames.service) ?? Object.entries(tags)[0];
  if (tag === undefined) return [];
  const matching = lookup
    .byTag(resource.mesh, ...tag)
    .filter(({ inbounds }) => inbounds.some((inbound) => tagsMatch(tags, inbound.tags)));
  return serving(matching, (inbound) => tagsMatch(tags, inbound.tags));
}

/** An egress serves all that goes through it alike. */
function egressEndpoint({ address, port }: EgressAddress, { tags, zone }: EgressPath): Located {
  return { zone, endpoint: { address, port, weight: 1, tags } };
}

/** An endpoint and the zone it is in; '' for none. */
type Located = Pick<InboundFacts, 'zone' | 'endpoint'>;

function localities(inbounds: readonly Located[]): readonly EndpointLocality[] {
  const zones = Map.groupBy(inbounds, (inbound) => inbound.zone);
  return [...zones]
    .sort(([first], [second]) => (first < second ? -1 : 1))
    .map(([zone, members]) => ({ zone, endpoints: members.map((inbound) => inbound.endpoint) }));
}

/** Endpoint resources of a destination under a cluster's name. */
export interface EndpointDerivations {
  /** Inbounds behind a destination, ready or not. */
  inboundsOf(source: EndpointSource): readonly InboundFacts[];
  /** Dataplanes that the MeshServices of a destination select and that have no inbound for its port, each with the MeshService's key. */
  lackingOf(source: EndpointSource): readonly { readonly service: string; readonly dataplane: DataplaneFacts }[];
  /** One for each destination, whoever uses it. */
  readonly plain: Derivation<readonly [destination: Destination, cluster: string], EnvoyResource>;
  /** As policies arrange them. `callerTags`: JSON of the caller's tags that they read. */
  readonly shaped: Derivation<
    readonly [destination: Destination, cluster: string, rules: RuleSets, callerTags: string],
    EnvoyResource
  >;
}

/** What endpoint resources are derived from. */
export interface EndpointOptions {
  readonly graph: Graph;
  readonly inputs: EngineInputs;
  readonly policies: readonly ProxyPolicy[];
  readonly lookup: DataplaneLookup;
  readonly membersOf: (multiZoneService: string) => readonly string[];
  readonly egresses: EgressAddresses;
}

/** Derives endpoint resources. */
export function deriveEndpoints(options: EndpointOptions): EndpointDerivations {
  const { graph, inputs, policies, lookup, membersOf, egresses } = options;
  const instancesOfPort = (key: string, number: number): readonly SelectedInstance[] => {
    const resource = inputs.resources('MeshService').get(key);
    const ports = (resource?.spec as MeshServiceSpec | undefined)?.ports ?? [];
    const port = ports.find((candidate) => candidate.port === number);
    return resource === undefined || port === undefined ? [] : selectedInstances(resource, port, lookup);
  };
  const inboundsOf = (source: EndpointSource): readonly InboundFacts[] => {
    if (source.kind === 'egress' || source.kind === 'outside') return [];
    if (source.kind === 'service') {
      const dataplanes = lookup.byTag(source.mesh, tagNames.service, source.service);
      return dataplanes.flatMap((dataplane) =>
        dataplane.inbounds.filter(
          (inbound) => inbound.service === source.service && tagsMatch(source.tags ?? {}, inbound.tags),
        ),
      );
    }
    const services = source.kind === 'MeshService' ? [source.key] : membersOf(source.key);
    // Two services may be served by one inbound.
    return [...new Set(services.flatMap((key) => instancesOfPort(key, source.port).flatMap(({ behind }) => behind)))];
  };
  const lackingOf: EndpointDerivations['lackingOf'] = (source) => {
    if (source.kind !== 'MeshService' && source.kind !== 'MeshMultiZoneService') return [];
    const services = source.kind === 'MeshService' ? [source.key] : membersOf(source.key);
    return services.flatMap((service) =>
      instancesOfPort(service, source.port).flatMap(({ dataplane, behind }) =>
        behind.length === 0 ? [{ service, dataplane }] : [],
      ),
    );
  };
  const localitiesOf = ({ source }: Destination): readonly EndpointLocality[] =>
    source.kind === 'egress'
      ? localities(source.through.flatMap((path) => egresses.get().map((egress) => egressEndpoint(egress, path))))
      : localities(inboundsOf(source).filter((inbound) => inbound.ready));
  const equals = Object.is;
  const plain: EndpointDerivations['plain'] = graph.derive(
    'endpoints',
    (destination, cluster) => encodeEndpoints(cluster, localitiesOf(destination)),
    { equals },
  );
  return {
    inboundsOf,
    lackingOf,
    plain,
    shaped: graph.derive(
      'shaped endpoints',
      (destination: Destination, cluster: string, ruleSets: RuleSets, tags: string) => {
        const shapings = shapingsOf(policies, ruleSets, destination.target);
        const callerTags = JSON.parse(tags) as Readonly<Record<string, string>>;
        const shaped = shapeEndpoints(shapings, localitiesOf(destination), inputs.settings.zone, callerTags);
        if (shaped === undefined) return plain.get(destination, cluster);
        // As with the peer: arranged endpoints do not carry the labels of their proxies.
        const { overprovisioningFactor } = shaped;
        return encodeEndpoints(cluster, shaped.localities, { overprovisioningFactor, labels: false });
      },
      { equals },
    ),
  };
}
