// Inspection of a MeshGateway: the Dataplanes that serve it, and its rules, whether one serves it or not.
import type { Engine } from '@ursa/engine';
import type { DataplaneSpec, MeshGatewaySpec, Resource } from '@ursa/resources';
import { keyInType } from '../../store/live-resources.ts';
import { formatJson } from '../http/json-text.ts';
import type { Route } from '../http/route.ts';
import type { ResourceReader } from '../resources/reader.ts';
import { legacySchema, rulesSchema } from './inspect-schemas.ts';
import { isExclusive } from './mesh-mode.ts';
import { formatRules } from './rules-view.ts';

type Tags = Readonly<Record<string, string>>;

const title = 'Could not retrieve MeshGateway';

/** The endpoints. */
export function gatewayRoutes(reader: ResourceReader, engine: Pick<Engine, 'gatewayRules'>): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/meshes/{mesh}/meshgateways/{name}/dataplanes',
      tag: 'Inspection',
      summary: 'Data planes that serve a built-in gateway',
      answers: { 200: legacySchema },
      handle: ({ params: { mesh = '', name = '' } }) => {
        reader.requireMesh(mesh);
        const gateway = reader.get('MeshGateway', mesh, name, title);
        const gateways = reader.list('MeshGateway', mesh);
        const items = reader
          .list('Dataplane', mesh)
          .filter((dataplane) => gatewayOf(dataplane, gateways) === gateway)
          .map((dataplane) => ({ dataplane: { mesh: dataplane.mesh, name: dataplane.name } }));
        return { status: 200, body: formatJson({ items, total: items.length }) };
      },
    },
    {
      method: 'GET',
      path: '/meshes/{mesh}/meshgateways/{name}/_rules',
      tag: 'Inspection',
      summary: 'The merged rules of a built-in gateway',
      answers: { 200: rulesSchema },
      handle: ({ params: { mesh = '', name = '' } }) => {
        reader.requireMesh(mesh);
        const gateway = reader.get('MeshGateway', mesh, name, title);
        const rules = engine.gatewayRules.get(keyInType(gateway));
        const body = formatRules(gateway, { inbounds: [], gateway: undefined }, rules, isExclusive(reader, mesh));
        return { status: 200, body: formatJson(body) };
      },
    },
  ];
}

/** The one gateway that a Dataplane serves: the one that names it most exactly, of equal ones the oldest. */
function gatewayOf(dataplane: Resource, gateways: readonly Resource[]): Resource | undefined {
  const { networking } = dataplane.spec as DataplaneSpec;
  if (networking?.gateway?.type !== 'BUILTIN') return undefined;
  const tags = networking.gateway.tags ?? {};
  const ranked = gateways
    .map((gateway) => ({ gateway, rank: rankOf(gateway, tags) }))
    .filter(({ rank }) => rank > 0)
    .sort(
      (one, other) =>
        other.rank - one.rank ||
        compare(one.gateway.creationTime, other.gateway.creationTime) ||
        compare(one.gateway.name, other.gateway.name),
    );
  return ranked[0]?.gateway;
}

/** How exactly the best of the selectors that match names the tags; 0 when none does. A value counts more than `*`. */
function rankOf(gateway: Resource, tags: Tags): number {
  const { selectors = [] } = gateway.spec as MeshGatewaySpec;
  const ranks = selectors.map(({ match = {} }) => {
    const wanted = Object.entries(match);
    const fits = wanted.every(([key, value]) => tags[key] !== undefined && (value === '*' || tags[key] === value));
    return fits ? wanted.length + wanted.filter(([, value]) => value !== '*').length / (wanted.length + 1) : 0;
  });
  return Math.max(0, ...ranks);
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
