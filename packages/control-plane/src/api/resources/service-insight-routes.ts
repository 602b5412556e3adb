// Service insights: stored as one resource per mesh, shown as one item per service.
import type { Resource } from '@ursa/resources';
import { Type } from 'typebox';
import { badRequest, notFound } from '../http/failure.ts';
import { createPrintedValues, joinList } from '../http/json-text.ts';
import { nextPage, parsePage, slicePage } from '../http/page.ts';
import type { Answer, Call, Route } from '../http/route.ts';
import { listQuery, nameParameters } from '../openapi/parameters.ts';
import { pageSchema } from '../openapi/resource-schemas.ts';
import type { ResourceReader } from './reader.ts';

/** One service of an insight. */
interface ServiceView {
  readonly mesh: string;
  readonly name: string;
  readonly document: Readonly<Record<string, unknown>>;
}

const schema = Type.Object({ type: Type.Literal('ServiceInsight'), mesh: Type.String(), name: Type.String() });
const serviceTypes: readonly string[] = ['internal', 'external', 'gateway_builtin', 'gateway_delegated'];

/** The endpoints. `addressOf` gives the address under which an application reaches a service. */
export function serviceInsightRoutes(reader: ResourceReader, addressOf: (service: string) => string): readonly Route[] {
  const viewsOf = cachedViews(addressOf);
  const printed = createPrintedValues((view: ServiceView) => view.document);
  const list = (path: string): Route => ({
    method: 'GET',
    path,
    tag: 'ServiceInsight',
    summary: 'Lists services with the state of their proxies',
    query: [...listQuery, ...nameParameters('type')],
    answers: { 200: pageSchema('ServiceInsightViewList', schema) },
    handle: (call) => {
      const page = parsePage(call.query, 'Could not retrieve resources');
      const wanted = wantedServices(call);
      const { mesh } = call.params;
      if (mesh !== undefined) reader.requireMesh(mesh);
      const views = reader.list('ServiceInsight', mesh).flatMap(viewsOf).filter(wanted);
      const items = slicePage(views, page).map((view) => printed.item(view));
      return { status: 200, body: joinList(views.length, items, nextPage(call, page, views.length)) };
    },
  });
  return [
    list('/meshes/{mesh}/service-insights'),
    list('/service-insights'),
    {
      method: 'GET',
      path: '/meshes/{mesh}/service-insights/{name}',
      tag: 'ServiceInsight',
      summary: 'Gets a service with the state of its proxies',
      answers: { 200: schema },
      handle: (call): Answer => {
        const { mesh = '', name = '' } = call.params;
        reader.requireMesh(mesh);
        const view = reader
          .list('ServiceInsight', mesh)
          .flatMap(viewsOf)
          .find((candidate) => candidate.name === name);
        if (view === undefined) throw notFound('Could not retrieve a resource');
        return { status: 200, body: printed.body(view) };
      },
    },
  ];
}

function wantedServices(call: Call): (view: ServiceView) => boolean {
  const name = call.query.get('name') ?? '';
  const types = (call.query.get('type') ?? '').split(',').filter((type) => type !== '');
  if (types.some((type) => !serviceTypes.includes(type))) throw badRequest('unsupported service type');
  return (view) => {
    const type = String(view.document.serviceType ?? 'internal');
    return view.name.includes(name) && (types.length === 0 || types.includes(type));
  };
}

function cachedViews(addressOf: (service: string) => string): (insight: Resource) => readonly ServiceView[] {
  const cache = new WeakMap<Resource, readonly ServiceView[]>();
  return (insight) => {
    const views = cache.get(insight) ?? viewsOf(insight, addressOf);
    cache.set(insight, views);
    return views;
  };
}

/** A service as it is stored in an insight. */
interface StoredService {
  readonly status?: string;
  readonly serviceType?: string;
  readonly dataplanes?: { readonly total?: number; readonly online?: number; readonly offline?: number };
  readonly issuedBackends?: Readonly<Record<string, number>>;
  readonly zones?: readonly string[];
}

function viewsOf(insight: Resource, addressOf: (service: string) => string): readonly ServiceView[] {
  const { services = {} } = insight.spec as { readonly services?: Readonly<Record<string, StoredService>> };
  return Object.keys(services)
    .sort()
    .map((name) => ({
      mesh: insight.mesh,
      name,
      document: formatService(insight, name, services[name] ?? {}, addressOf),
    }));
}

/** `internal` and `not_available` are what a service is when nothing is said, and are not said. */
function formatService(
  insight: Resource,
  name: string,
  service: StoredService,
  addressOf: (service: string) => string,
) {
  const { status, serviceType = 'internal', dataplanes, issuedBackends, zones } = service;
  const { online = 0, offline = 0 } = dataplanes ?? {};
  return {
    type: 'ServiceInsight',
    mesh: insight.mesh,
    name,
    creationTime: insight.creationTime,
    modificationTime: insight.modificationTime,
    ...(status === undefined || status === 'not_available' ? {} : { status }),
    ...(dataplanes === undefined ? {} : { dataplanes: { total: online + offline, online, offline } }),
    ...(issuedBackends === undefined ? {} : { issuedBackends }),
    ...(serviceType === 'internal' || serviceType === 'external' ? { addressPort: addressOf(name) } : {}),
    ...(serviceType === 'internal' ? {} : { serviceType }),
    ...(zones === undefined ? {} : { zones }),
  };
}
