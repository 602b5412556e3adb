// GET …/{serviceType}/{name}/_hostnames: the host names a service has, and in which zones.
import { labelNames, type Resource } from '@ursa/resources';
import { Type } from 'typebox';
import { hostnamesOf, type ServiceSelector, sortGenerators } from '../../generators/hostnames.ts';
import { Failure } from '../http/failure.ts';
import { formatJson } from '../http/json-text.ts';
import type { Route } from '../http/route.ts';
import type { ResourceReader } from '../resources/reader.ts';

/** Which control plane answers. */
export interface HostnameContext {
  readonly mode: 'zone' | 'global';
  readonly zone: string;
}

const selectors: Readonly<Record<string, ServiceSelector>> = {
  meshservices: 'meshService',
  meshexternalservices: 'meshExternalService',
  meshmultizoneservices: 'meshMultiZoneService',
};

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
        const selector = Object.hasOwn(selectors, serviceType) ? selectors[serviceType] : undefined;
        const type = reader.types.byPath(serviceType);
        if (selector === undefined || type === undefined) {
          const title = `only "${Object.keys(selectors).join(',')}" are available for inspection`;
          throw new Failure(400, title, 'Resource is not valid');
        }
        reader.requireMesh(mesh);
        const service = reader.get(type.name, mesh, name, 'could not retrieve service');
        const generators = sortGenerators(reader.list('HostnameGenerator'));
        const hostnames = [
          ...new Set(
            viewsOf(service, context).flatMap((view) => {
              const status = hostnamesOf(selector, generators, [view]).get(view.name);
              return (status?.addresses ?? []).map(({ hostname }) => hostname);
            }),
          ),
        ];
        const zone = service.labels[labelNames.zone] ?? context.zone;
        const zones = zone === '' ? [] : [{ name: zone }];
        const items = hostnames.sort().map((hostname) => ({ hostname, zones }));
        return { status: 200, body: formatJson({ items, total: items.length }) };
      },
    },
  ];
}

/** The service as generators see it. A global control plane answers for all zones: its own one sees it as made there, others as synced. */
function viewsOf(service: Resource, context: HostnameContext): readonly Resource[] {
  if (context.mode === 'zone') return [service];
  return ['global', 'zone'].map((origin) => ({
    ...service,
    labels: { ...service.labels, [labelNames.origin]: origin },
  }));
}
