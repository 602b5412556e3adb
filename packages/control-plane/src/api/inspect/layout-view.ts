// The body of `_layout`: what a data plane serves and what it can call, each with its KRI and the name Envoy knows it by.
import type { DataplaneFacts } from '@ursa/engine';
import { labelsMatch, portName } from '@ursa/policy';
import {
  type DataplaneOutbound,
  type DataplaneSpec,
  displayNameOf,
  type IdentityContext,
  isIdentityReady,
  kriOf,
  labelNames,
  type MeshIdentitySpec,
  type Resource,
  selectMeshIdentity,
  spiffeIdOf,
  tagNames,
} from '@ursa/resources';
import type { ResourceReader } from '../resources/reader.ts';

/** Where identities are filled in, for data planes that do not say it themselves. */
export type IdentityPlace = Pick<IdentityContext, 'zone' | 'environment'>;

/** A destination of the mesh, at one of its ports. */
interface LayoutDestination {
  readonly resource: Resource;
  readonly kri: string;
  readonly port: number;
  readonly protocol: string;
}

/** What names one or several destinations. */
interface Reference {
  readonly kind?: string | undefined;
  readonly name?: string | undefined;
  readonly namespace?: string | undefined;
  readonly port?: number | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

/** The layout of a data plane whose mesh knows destinations as resources only. */
export function formatLayout(
  reader: ResourceReader,
  dataplane: Resource,
  facts: DataplaneFacts,
  place: IdentityPlace,
): unknown {
  const { networking } = dataplane.spec as DataplaneSpec;
  const spiffeId = spiffeIdOfDataplane(reader, dataplane, place);
  return {
    inbounds: (networking?.inbound ?? []).map(({ port = 0, name, tags, protocol }) => {
      const section = name === undefined || name === '' ? String(port) : name;
      return {
        kri: sectionKri(reader, dataplane, section),
        port,
        protocol: protocol ?? tags?.[tagNames.protocol] ?? 'tcp',
        proxyResourceName: `self_inbound_dp_${section}`,
      };
    }),
    kri: sectionKri(reader, dataplane, ''),
    labels: dataplane.labels,
    listeners: listenersOf(dataplane).map(({ type = '', port = 0, name }) => {
      const section = name === undefined || name === '' ? String(port) : name;
      const kri = sectionKri(reader, dataplane, section);
      return { kri, port, proxyResourceName: `self_${type.toLowerCase()}_dp_${section}`, type };
    }),
    outbounds: reachableDestinations(reader, dataplane, facts)
      .toSorted((one, other) => (one.kri < other.kri ? -1 : 1))
      .map(({ kri, port, protocol }) => ({ kri, port, protocol, proxyResourceName: kri })),
    ...(spiffeId === undefined ? {} : { spiffeId }),
  };
}

/** Who a data plane is by the MeshIdentity that speaks for it: undefined until that is ready. Its labels say the zone it runs in. */
function spiffeIdOfDataplane(reader: ResourceReader, { mesh, labels }: Resource, place: IdentityPlace) {
  const ready = reader.list('MeshIdentity', mesh).filter(isIdentityReady);
  const identity = selectMeshIdentity(ready, labels);
  if (identity === undefined) return undefined;
  const zone = labels[labelNames.zone] ?? place.zone;
  const result = spiffeIdOf(identity.spec as MeshIdentitySpec, labels, { mesh, zone, environment: place.environment });
  return 'id' in result ? result.id : undefined;
}

function sectionKri(reader: ResourceReader, resource: Resource, section: string): string {
  const type = reader.types.byName(resource.type);
  return (type && kriOf(type, resource, section)) ?? '';
}

interface ListenerSpec {
  readonly type?: string;
  readonly port?: number;
  readonly name?: string;
}

function listenersOf(dataplane: Resource): readonly ListenerSpec[] {
  const { networking } = dataplane.spec as { readonly networking?: { readonly listeners?: readonly ListenerSpec[] } };
  return networking?.listeners ?? [];
}

/** What the outbounds name; without outbounds what `reachableBackends` names; without that everything. A proxy of zones calls nothing itself. */
function reachableDestinations(
  reader: ResourceReader,
  dataplane: Resource,
  facts: DataplaneFacts,
): readonly LayoutDestination[] {
  if (listenersOf(dataplane).length > 0) return [];
  const all = destinationsOf(reader, dataplane.mesh);
  const named = (references: readonly Reference[]) =>
    all.filter((destination) => references.some((reference) => refersTo(reference, destination)));
  if (facts.outbounds.length > 0) {
    return named(
      facts.outbounds.flatMap(({ backendRef }: DataplaneOutbound) => (backendRef === undefined ? [] : [backendRef])),
    );
  }
  return facts.reachableBackends === undefined ? all : named(facts.reachableBackends);
}

function refersTo(reference: Reference, { resource, port }: LayoutDestination): boolean {
  if ((reference.kind ?? 'MeshService') !== resource.type) return false;
  if (reference.port !== undefined && reference.port !== port) return false;
  if (reference.labels !== undefined && Object.keys(reference.labels).length > 0) {
    return labelsMatch(reference.labels, resource.labels);
  }
  const namespace = resource.labels[labelNames.namespace] ?? '';
  return reference.name === displayNameOf(resource) && (reference.namespace ?? namespace) === namespace;
}

interface PortSpec {
  readonly port: number;
  readonly name?: string;
  readonly appProtocol?: string;
}

function destinationsOf(reader: ResourceReader, mesh: string): readonly LayoutDestination[] {
  const ported = ['MeshService', 'MeshMultiZoneService'].flatMap((type) =>
    reader.list(type, mesh).flatMap((resource) => {
      const { ports = [] } = resource.spec as { readonly ports?: readonly PortSpec[] };
      return ports.map((port) => ({
        resource,
        kri: sectionKri(reader, resource, portName(port)),
        port: port.port,
        protocol: port.appProtocol ?? 'tcp',
      }));
    }),
  );
  const external = reader.list('MeshExternalService', mesh).map((resource) => {
    const { match } = resource.spec as { readonly match?: { readonly port?: number; readonly protocol?: string } };
    const port = match?.port ?? 0;
    return { resource, kri: sectionKri(reader, resource, String(port)), port, protocol: match?.protocol ?? 'tcp' };
  });
  return [...ported, ...external];
}
