// GET …/{serviceType}/{name}/_hostnames: the host names a service has, and in which zones.
import { labelNames, type Resource } from '@ursa/resources';
import { Type } from 'typebox';
import { hostnamesOf, namedTypes, nameKeyOf, sortGenerators } from '../../generators/hostnames.ts';
import { Failure } from '../http/failure.ts';
import { formatJson } from '../http/json-text.ts';
import type { Route } from '../http/route.ts';
import type { ResourceReader } from '../resources/reader.ts';

/** Which control plane answers. */
export interface HostnameContext {
  readonly mode: 'zone' | 'global';
  readonly zone: string;
}

const schema = Type.Object({
  total: Type.Integer(),
  items: Type.Array(Type.Object({ hostname: Type.String(), zones: Type.Array(Type.Object({ name: Type.String() })) })),
});

/** The endpoint. */
export function hostnameRoutes(reader: ResourceReader, context: HostnameContext): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/meshes/{mesh}/{serviceType}/{name}/_hostnames',
      tag: 'Inspection',
      summary: 'Host names of a service',
      answers: { 200: schema },
      handle: (call) => {
        const { mesh = '', serviceType = '', name = '' } = call.params;
        const type = reader.types.byPath(serviceType);
        if (type === undefined || !namedTypes.includes(type.name)) {
          const paths = namedTypes.flatMap((named) => reader.types.byName(named)?.path ?? []);
          const title = `only "${paths.join(',')}" are available for inspection`;
          throw new Failure(400, title, 'Resource is not valid');
        }
        reader.requireMesh(mesh);
        const service = reader.get(type.name, mesh, name, 'could not retrieve service');
        const hostnames = context.mode === 'zone' ? namesInZone(service, reader) : namesInZones(service, reader);
        const zones = zonesOf(service, reader, context).map((zone) => ({ name: zone }));
        const items = [...new Set(hostnames)].sort().map((hostname) => ({ hostname, zones }));
        return { status: 200, body: formatJson({ items, total: items.length }) };
      },
    },
  ];
}

/** Those it has among all services of its mesh: what another one has already is not its own. */
function namesInZone(service: Resource, reader: ResourceReader): readonly string[] {
  const all = namedTypes.flatMap((type) => reader.list(type, service.mesh));
  return namesAmong(all, service, reader);
}

/** A global control plane answers for all zones: its own one sees the service as made there, others as synced. */
function namesInZones(service: Resource, reader: ResourceReader): readonly string[] {
  return ['global', 'zone'].flatMap((origin) => {
    const view = { ...service, labels: { ...service.labels, [labelNames.origin]: origin } };
    return namesAmong([view], view, reader);
  });
}

function namesAmong(all: readonly Resource[], service: Resource, reader: ResourceReader): readonly string[] {
  const status = hostnamesOf(sortGenerators(reader.list('HostnameGenerator')), all).get(nameKeyOf(service));
  return (status?.addresses ?? []).map(({ hostname }) => hostname);
}

/** What belongs to no zone, such as a MeshMultiZoneService, has its names in all of them. */
function zonesOf({ labels }: Resource, reader: ResourceReader, context: HostnameContext): readonly string[] {
  const zone = labels[labelNames.zone] ?? context.zone;
  if (zone !== '') return [zone];
  return reader
    .list('Zone')
    .map(({ name }) => name)
    .sort();
}
