// Destinations: the real resources that `to` entries speak of, how they are named in rules, and how references find them.
import { labelNames, type Resource, type TargetRef } from '@ursa/resources';
import { type PolicyHead, provenance } from './policy-head.ts';
import { refersTo } from './selection.ts';
import { labelsMatch } from './target-ref.ts';

/** Kinds of `to` references that stand for a resource. */
export const destinationKinds = [
  'Mesh',
  'MeshService',
  'MeshExternalService',
  'MeshMultiZoneService',
  'MeshHTTPRoute',
] as const;

export type DestinationKind = (typeof destinationKinds)[number];

/** A resource, or one of its ports. */
export interface Destination {
  readonly resource: Resource;
  /** Name of the port (its number when it has none); '' for the whole resource. */
  readonly sectionName: string;
}

/** What identifies a destination in all zones: where it was made and the name it was given there. */
export interface DestinationId {
  readonly type: string;
  readonly mesh: string;
  readonly zone: string;
  readonly namespace: string;
  readonly name: string;
  readonly sectionName: string;
}

/** Looks resources up for references. The engine answers from its indexes, so that what was asked is tracked. */
export interface Destinations {
  mesh(name: string): Resource | undefined;
  /** Resources of a kind by display name. */
  named(kind: DestinationKind, mesh: string, displayName: string): readonly Resource[];
  /** Resources of a kind that have all these labels. */
  labelled(kind: DestinationKind, mesh: string, labels: Readonly<Record<string, string>>): readonly Resource[];
}

/** Identity of a resource, or of one of its ports. */
export function destinationId(resource: Resource, sectionName = ''): DestinationId {
  const { displayName, zone, namespace } = provenance(resource);
  return { type: resource.type, mesh: resource.mesh, zone, namespace, name: displayName, sectionName };
}

/** One string for an identity, usable in maps. */
export function destinationKey(id: DestinationId): string {
  return [id.type, id.mesh, id.zone, id.namespace, id.name, id.sectionName].join('/');
}

/** The destinations a `to` reference of a policy means, sorted by key; none when it cannot be resolved. */
export function resolveDestinations(
  head: PolicyHead,
  targetRef: TargetRef,
  among: Destinations,
): readonly Destination[] {
  const kind = destinationKinds.find((known) => known === targetRef.kind);
  if (kind === undefined) return [];
  if (kind === 'Mesh') {
    const mesh = among.mesh(head.mesh);
    return mesh === undefined ? [] : [{ resource: mesh, sectionName: '' }];
  }
  return findSections(head, kind, targetRef, among).sort((first, second) => (keyOf(first) < keyOf(second) ? -1 : 1));
}

/** Key of a destination. */
export function keyOf(destination: Destination): string {
  return destinationKey(destinationId(destination.resource, destination.sectionName));
}

function findSections(head: PolicyHead, kind: DestinationKind, targetRef: TargetRef, among: Destinations) {
  const tagged = kind === 'MeshService' && !targetRef.sectionName ? serviceOfTag(targetRef.name) : undefined;
  if (tagged !== undefined) {
    const found = among.labelled(kind, head.mesh, tagged.labels);
    return found.flatMap((resource) => withPort(resource, tagged.port));
  }
  const found = findResources(head, kind, targetRef, among);
  return found.flatMap((resource) => withSection(resource, targetRef.sectionName));
}

/** Services of Kubernetes were known by a tag before they were resources; policies that say it mean the resource in all zones. */
function serviceOfTag(name: string | undefined) {
  const [, service, namespace, port] = /^([^_]+)_([^_]+)_svc(?:_(\d{1,5}))?$/.exec(name ?? '') ?? [];
  if (service === undefined || namespace === undefined) return undefined;
  const labels = { [labelNames.namespace]: namespace, [labelNames.displayName]: service };
  return { labels, port: port === undefined ? undefined : Number(port) };
}

function findResources(head: PolicyHead, kind: DestinationKind, targetRef: TargetRef, among: Destinations) {
  if (targetRef.labels !== undefined && Object.keys(targetRef.labels).length > 0) {
    return among.labelled(kind, head.mesh, targetRef.labels);
  }
  if (targetRef.name === undefined) return [];
  const named = among.named(kind, head.mesh, targetRef.name);
  return named.filter((resource) => refersTo(head, targetRef, provenance(resource))).slice(0, 1);
}

interface PortSpec {
  readonly name?: string;
  readonly port: number;
}

function withSection(resource: Resource, sectionName: string | undefined): Destination[] {
  if (sectionName === undefined || sectionName === '') return [{ resource, sectionName: '' }];
  const { ports } = resource.spec as { readonly ports?: readonly PortSpec[] };
  if (ports === undefined) return [{ resource, sectionName: '' }];
  const port = ports.find((candidate) => portName(candidate) === sectionName);
  return port === undefined ? [] : [{ resource, sectionName: portName(port) }];
}

function withPort(resource: Resource, number: number | undefined): Destination[] {
  if (number === undefined) return [{ resource, sectionName: '' }];
  const { ports = [] } = resource.spec as { readonly ports?: readonly PortSpec[] };
  const port = ports.find((candidate) => candidate.port === number);
  return port === undefined ? [] : [{ resource, sectionName: portName(port) }];
}

/** Name under which rules know a port of a service: its name, or its number when it has none. */
export function portName(port: PortSpec): string {
  return port.name === undefined || port.name === '' ? String(port.port) : port.name;
}

/** Lookups over a plain list: for tests and for what-if questions about few resources. */
export function destinationsOf(resources: readonly Resource[]): Destinations {
  const inMesh = (kind: string, mesh: string) => resources.filter((item) => item.type === kind && item.mesh === mesh);
  return {
    mesh: (name) => resources.find((item) => item.type === 'Mesh' && item.name === name),
    named: (kind, mesh, displayName) =>
      inMesh(kind, mesh).filter((item) => provenance(item).displayName === displayName),
    labelled: (kind, mesh, labels) => inMesh(kind, mesh).filter((item) => labelsMatch(labels, item.labels)),
  };
}
