// Which columns a type has in a table.
import type { TypeHandle } from '@ursa/resources';
import { field, listOf } from './json-fields.ts';
import { formatAge, formatTable } from './table.ts';

interface Column {
  readonly header: string;
  cell(resource: unknown): string;
}

type Tags = Readonly<Record<string, string>>;

const specialColumns: Readonly<Record<string, readonly Column[]>> = {
  Mesh: [
    { header: 'mTLS', cell: mtlsOf },
    { header: 'LOCALITY', cell: (mesh) => onOff(field(mesh, 'routing', 'localityAwareLoadBalancing')) },
    { header: 'ZONEEGRESS', cell: (mesh) => onOff(field(mesh, 'routing', 'zoneEgress')) },
  ],
  Dataplane: [
    { header: 'TAGS', cell: dataplaneTags },
    { header: 'ADDRESS', cell: (dataplane) => reachableAddress(field(dataplane, 'networking')) },
  ],
  ExternalService: [
    { header: 'TAGS', cell: (service) => formatTags([tagsOf(field(service, 'tags'))]) },
    { header: 'ADDRESS', cell: (service) => text(field(service, 'networking', 'address')) },
  ],
};

/** A table of resources of one type; the mesh column is left out for global types, and is there when there are no resources. */
export function tableOf({ name, scope }: TypeHandle, resources: readonly unknown[], now: number): string {
  const columns: readonly Column[] = [
    ...(scope === 'Mesh' ? [{ header: 'MESH', cell: (resource: unknown) => text(field(resource, 'mesh')) }] : []),
    { header: 'NAME', cell: (resource) => text(field(resource, 'name')) },
    ...(specialColumns[name] ?? []),
    { header: 'AGE', cell: (resource) => formatAge(text(field(resource, 'creationTime')), now) },
  ];
  return formatTable(
    columns.map((column) => column.header),
    resources.map((resource) => columns.map((column) => column.cell(resource))),
  );
}

/** Tags of several inbounds as one cell: `kuma.io/service=mobile,web version=v1`. */
export function formatTags(tagSets: readonly Tags[]): string {
  const values = new Map<string, Set<string>>();
  for (const tags of tagSets) {
    for (const [key, value] of Object.entries(tags)) {
      const known = values.get(key) ?? new Set();
      values.set(key, known.add(value));
    }
  }
  return [...values.keys()]
    .sort()
    .map((key) => `${key}=${[...(values.get(key) ?? [])].sort().join(',')}`)
    .join(' ');
}

/** Tags of a Dataplane: those of its gateway, or of all its inbounds. */
export function dataplaneTags(dataplane: unknown): string {
  const gateway = field(dataplane, 'networking', 'gateway', 'tags');
  const inboundTags = listOf(dataplane, 'networking', 'inbound').map((inbound) => tagsOf(field(inbound, 'tags')));
  return formatTags(gateway === undefined ? inboundTags : [tagsOf(gateway)]);
}

/** Where the others reach a proxy: what it advertises, or else what it listens at. */
function reachableAddress(networking: unknown): string {
  return text(field(networking, 'advertisedAddress')) || text(field(networking, 'address'));
}

function mtlsOf(mesh: unknown): string {
  const enabled = field(mesh, 'mtls', 'enabledBackend');
  if (typeof enabled !== 'string' || enabled === '') return 'off';
  const backend = listOf(mesh, 'mtls', 'backends').find((candidate) => field(candidate, 'name') === enabled);
  return `${text(field(backend, 'type'))}/${enabled}`;
}

function onOff(value: unknown): string {
  return value === true ? 'on' : 'off';
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function tagsOf(value: unknown): Tags {
  return typeof value === 'object' && value !== null
    ? Object.fromEntries(Object.entries(value).map(([key, tag]) => [key, String(tag)]))
    : {};
}
