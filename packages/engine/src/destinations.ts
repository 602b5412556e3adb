// Destinations: everything that traffic of a proxy can be sent to, as clusters, listeners and policies need it. Endpoints are apart.
import type { Derivation, Graph } from '@ursa/collections';
import { legacyServiceName, type Protocol, sha256Hex } from '@ursa/envoy';
import { destinationId, type OutboundTarget, portName } from '@ursa/policy';
import { displayNameOf, formatKri, formatSni, labelNames, meshService, type Resource, tagNames } from '@ursa/resources';
import type { DataplaneFacts } from './dataplane-facts.ts';
import type { EngineInputs } from './engine.ts';
import type { EgressIdentities } from './identity/egress-identity.ts';
import type { WorkloadIdentities } from './identity/workload-identities.ts';
import type { MeshFacts } from './mesh-facts.ts';
import { deriveMultiZoneServices, type MultiZoneServiceDerivations } from './multi-zone-services.ts';
import { deriveOutsideDestinations, type OutsideDestinations, outsideSubset } from './outside/outside-destinations.ts';
import type { OutsideFacts } from './outside/outside-facts.ts';
import type { EgressAddresses } from './outside/zone-egresses.ts';
import { commonProtocol, parseProtocol } from './protocol.ts';
import { legacySni, serviceSni } from './sni.ts';

type Tags = Readonly<Record<string, string>>;

/** Where a destination's endpoints are found; `tags` are those that its instances must have. */
export type EndpointSource =
  /** Through the egresses of the zone: one endpoint for each egress and each of these. */
  | { readonly kind: 'egress'; readonly through: readonly EgressPath[] }
  /** Its servers stand in its cluster. */
  | { readonly kind: 'outside' }
  | { readonly kind: 'service'; readonly mesh: string; readonly service: string; readonly tags?: Tags }
  | { readonly kind: 'MeshService' | 'MeshMultiZoneService'; readonly key: string; readonly port: number };

/** What endpoints that lead through an egress are marked with. */
export interface EgressPath {
  readonly tags: Tags;
  /** '' where it is in none. */
  readonly zone: string;
}

/** What is different about a destination outside of the mesh. */
export interface OutsideDestination {
  /** What its cluster speaks; unknown while there is no way to it. */
  readonly protocol: Protocol;
  /** Its servers, where the proxy itself connects to them. */
  readonly servers: Pick<OutsideFacts, 'endpoints' | 'tlsByTags'> | undefined;
  /** Why traffic cannot get there, for people. */
  readonly problems: readonly string[];
}

/** The server name to ask for, and who may answer. */
export interface ServiceTls {
  readonly sni: string;
  /** SPIFFE IDs. */
  readonly identities: readonly string[];
}

/** One destination. Derived: equal ones are one object. */
export interface Destination {
  readonly mesh: string;
  /** As policies look it up. */
  readonly target: OutboundTarget;
  readonly source: EndpointSource;
  readonly legacyName: string;
  /** Undefined for services known by their tag only. */
  readonly kri: string | undefined;
  readonly protocol: Protocol;
  /** How proxies with a certificate of the mesh's backend speak TLS to it; undefined when it is reached in plain text. */
  readonly tls: ServiceTls | undefined;
  /** The same for proxies with a certificate of a MeshIdentity. */
  readonly workloadTls: ServiceTls | undefined;
  /** Set for external services. */
  readonly outside?: OutsideDestination;
}

/** Spec and status of a MeshService, as far as they are read here. */
export interface MeshServiceSpec {
  readonly selector?: {
    readonly dataplaneTags?: Readonly<Record<string, string>>;
    readonly dataplaneRef?: { readonly name?: string };
    readonly dataplaneLabels?: { readonly matchLabels?: Readonly<Record<string, string>> };
  };
  readonly ports?: readonly MeshServicePort[];
  readonly identities?: readonly { readonly type: 'ServiceTag' | 'SpiffeID'; readonly value: string }[];
}

/** One port of a MeshService. */
export interface MeshServicePort {
  readonly port: number;
  readonly name?: string;
  readonly targetPort?: number | string;
  readonly appProtocol?: string;
}

/** What others wrote into the status of a MeshService. */
export interface MeshServiceStatus {
  readonly vips?: readonly { readonly ip: string }[];
  readonly addresses?: readonly { readonly hostname: string }[];
  readonly tls?: { readonly status?: string };
}

/** What is read of a DataplaneInsight here. */
interface InsightOfTls {
  readonly mTLS?: { readonly issuedBackend?: string };
}

/** Destinations of a mesh. */
export interface DestinationDerivations {
  /** A service known by its tag. Exists while nothing serves it, too: it has no endpoints then. */
  readonly service: Derivation<readonly [mesh: string, service: string], Destination>;
  /** The instances of a service that have all tags, given as JSON. */
  readonly subset: Derivation<readonly [mesh: string, service: string, tags: string], Destination>;
  /** A port of a MeshService. `byNumber`: its KRI names the port by number though it has a name, as for outbounds that do so. */
  readonly meshService: Derivation<readonly [key: string, port: number, byNumber: boolean], Destination | undefined>;
  readonly multiZoneService: MultiZoneServiceDerivations;
  readonly meshExternalService: OutsideDestinations['meshExternalService'];
}

function meshServiceKri(resource: Resource, section: string): string {
  const { labels, mesh } = resource;
  const zone = labels[labelNames.zone] ?? '';
  const namespace = labels[labelNames.namespace] ?? '';
  return formatKri({ type: 'msvc', mesh, zone, namespace, name: displayNameOf(resource), section });
}

/** Whom to expect at a MeshService, each undefined where it is spoken to in plain text: by clients with a certificate of the mesh, and of a MeshIdentity. */
export interface ServiceIdentities {
  readonly toMesh: readonly string[] | undefined;
  readonly toWorkloads: readonly string[] | undefined;
}

function identitiesOf(mesh: string, spec: MeshServiceSpec): string[] {
  return (spec.identities ?? []).map(({ type, value }) => (type === 'SpiffeID' ? value : `spiffe://${mesh}/${value}`));
}

/** Name of the cluster for instances with some tags: the peers' hash over all tags. */
export function subsetName(service: string, tags: Tags): string {
  const all = Object.entries({ ...tags, [tagNames.service]: service }).sort(([first], [second]) =>
    first < second ? -1 : 1,
  );
  return `${service}-${sha256Hex(all.flat().join('')).slice(0, 16)}`;
}

/**
 * With mTLS a service is spoken to in TLS. While a mesh moves to it (PERMISSIVE) only once all of the service's proxies have
 * taken their certificate and the listeners that use it, as their insights say: before that, some of them could not answer.
 */
function speaksTls(mesh: MeshFacts | undefined, isReady: () => boolean): boolean {
  const clients = mesh?.mtls?.clients;
  return clients === 'tls' || (clients === 'tls-when-ready' && isReady());
}

/**
 * A proxy with a MeshIdentity speaks TLS, and never less because a server has no identity: who takes a label off a server must not get plain text.
 * Without an mTLS backend it waits only for servers that are about to have their certificate.
 */
function workloadsSpeakTls(mesh: MeshFacts | undefined, isReady: () => boolean): boolean {
  return mesh?.mtls?.clients === 'tls' || isReady();
}

/** A backend that is being left counts no more for who has a MeshIdentity. */
function hasBackend(mesh: MeshFacts | undefined): boolean {
  return mesh?.mtls?.leaving === false;
}

/** What destinations are derived from. */
export interface DestinationOptions {
  readonly graph: Graph;
  readonly inputs: EngineInputs;
  readonly meshFacts: Derivation<readonly [mesh: string], MeshFacts | undefined>;
  readonly workloadIdentities: WorkloadIdentities;
  readonly servedBy: (mesh: string, service: string) => readonly DataplaneFacts[];
  readonly egresses: EgressAddresses;
  readonly egressIdentities: EgressIdentities;
}

/** Derivations of destinations. */
export function deriveDestinations(options: DestinationOptions): DestinationDerivations {
  const { graph, inputs, meshFacts, workloadIdentities, servedBy, egresses, egressIdentities } = options;
  // Insights change all the time; this part of them once in a proxy's life.
  const issuerOf = graph.derive('issuer of a certificate', (proxyKey: string): string => {
    const insight = inputs.resources('DataplaneInsight').get(proxyKey)?.spec as InsightOfTls | undefined;
    return insight?.mTLS?.issuedBackend ?? '';
  });
  const hasCertificate = { get: (proxyKey: string) => issuerOf.get(proxyKey) !== '' };
  // Who never connected has no traffic either.
  const awaitsCertificate = graph.derive('awaits a certificate', (proxyKey: string): boolean => {
    return inputs.resources('DataplaneInsight').get(proxyKey) !== undefined && !hasCertificate.get(proxyKey);
  });
  const outside = deriveOutsideDestinations(graph, inputs, meshFacts, egresses, egressIdentities);
  const serviceOf = graph.derive('service', (mesh: string, service: string): Destination => {
    const dataplanes = servedBy(mesh, service);
    const external = dataplanes.length === 0 ? outside.externalService(mesh, service) : undefined;
    if (external !== undefined) return external;
    const serving = dataplanes.flatMap(({ inbounds }) => inbounds.filter((inbound) => inbound.service === service));
    const isReady = () => dataplanes.every(({ name }) => hasCertificate.get(`${mesh}/${name}`));
    const awaits = ({ name }: DataplaneFacts): boolean => {
      const found = workloadIdentities.of.get(`${mesh}/${name}`);
      return found !== undefined && 'identity' in found && awaitsCertificate.get(`${mesh}/${name}`);
    };
    const facts = meshFacts.get(mesh);
    // Without a MeshIdentity nothing here depends on single servers, which come and go and take their certificates one by one.
    const bearers = workloadIdentities.usable.get(mesh).length === 0 ? [] : dataplanes;
    const identities = bearers.flatMap(({ name }) => {
      const key = `${mesh}/${name}`;
      const found = workloadIdentities.of.get(key);
      // What it still has counts until it has taken another certificate.
      const held = workloadIdentities.issuedBy.get(key, issuerOf.get(key))?.spiffeId;
      return [found !== undefined && 'identity' in found ? found.identity.spiffeId : [], held ?? []].flat();
    });
    const tls = {
      sni: serviceSni(mesh, { [tagNames.service]: service }),
      identities: [...new Set([`spiffe://${mesh}/${service}`, ...identities])],
    };
    const forWorkloads = () => (hasBackend(facts) ? isReady() : !dataplanes.some(awaits));
    return {
      mesh,
      target: { kind: 'service', service },
      source: { kind: 'service', mesh, service },
      legacyName: service,
      kri: undefined,
      protocol: commonProtocol(serving.map((inbound) => inbound.protocol)),
      tls: speaksTls(facts, isReady) ? tls : undefined,
      workloadTls: workloadsSpeakTls(facts, forWorkloads) ? tls : undefined,
    };
  });
  const identitiesOfMeshService = graph.derive('identities of a MeshService', (key: string): ServiceIdentities => {
    const resource = inputs.resources('MeshService').get(key);
    if (resource === undefined) return { toMesh: undefined, toWorkloads: undefined };
    const facts = meshFacts.get(resource.mesh);
    const spec = resource.spec as MeshServiceSpec;
    const { tls: tlsStatus } = (resource.status ?? {}) as MeshServiceStatus;
    const isReady = () => tlsStatus?.status !== 'NotReady';
    const awaitsWorkloads = () => spec.identities?.some(({ type }) => type === 'SpiffeID') === true && !isReady();
    const forWorkloads = () => (hasBackend(facts) ? isReady() : !awaitsWorkloads());
    const identities = identitiesOf(resource.mesh, spec);
    return {
      toMesh: speaksTls(facts, isReady) ? identities : undefined,
      toWorkloads: workloadsSpeakTls(facts, forWorkloads) ? identities : undefined,
    };
  });
  return {
    service: serviceOf,
    meshExternalService: outside.meshExternalService,
    multiZoneService: deriveMultiZoneServices(graph, inputs, (key) => identitiesOfMeshService.get(key)),
    subset: graph.derive('service subset', (mesh: string, service: string, given: string): Destination => {
      const whole = serviceOf.get(mesh, service);
      const tags = JSON.parse(given) as Tags;
      const outsideOnes = outsideSubset(whole, tags);
      if (outsideOnes !== undefined)
        return outsideOnes === whole ? whole : { ...outsideOnes, legacyName: subsetName(service, tags) };
      const sni = serviceSni(mesh, { ...tags, [tagNames.service]: service });
      const { tls, workloadTls } = whole;
      return {
        ...whole,
        source: { kind: 'service', mesh, service, tags },
        legacyName: subsetName(service, tags),
        tls: tls && { ...tls, sni },
        workloadTls: workloadTls && { ...workloadTls, sni },
      };
    }),
    meshService: graph.derive(
      'MeshService',
      (key: string, port: number, byNumber: boolean): Destination | undefined => {
        const resource = inputs.resources('MeshService').get(key);
        const spec = (resource?.spec ?? {}) as MeshServiceSpec;
        const found = spec.ports?.find((candidate) => candidate.port === port);
        if (resource === undefined || found === undefined) return undefined;
        const { mesh, labels } = resource;
        const name = displayNameOf(resource);
        const zone = labels[labelNames.zone] ?? '';
        const namespace = labels[labelNames.namespace] ?? '';
        const { toMesh, toWorkloads } = identitiesOfMeshService.get(key);
        return {
          mesh,
          target: { kind: 'resource', id: destinationId(resource, portName(found)) },
          source: { kind: 'MeshService', key, port },
          legacyName: legacyServiceName({ mesh, name, namespace, zone, shortType: 'msvc', port }),
          kri: meshServiceKri(resource, byNumber ? String(port) : portName(found)),
          protocol: parseProtocol(found.appProtocol ?? 'tcp'),
          tls: toMesh && { sni: legacySni(resource.name, mesh, port, 'ms'), identities: toMesh },
          workloadTls: toWorkloads && {
            sni: formatSni(meshService, resource, portName(found)),
            identities: toWorkloads,
          },
        };
      },
    ),
  };
}
