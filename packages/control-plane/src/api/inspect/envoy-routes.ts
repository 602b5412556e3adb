// GET …/{xds|stats|clusters} of a proxy: what its Envoy says of itself. Only these three pages, with the parameters below, get through.
import { redactSecrets } from '@ursa/resources';
import { Type } from 'typebox';
import type { AccessControl, ProxyView } from '../../identity/access-control.ts';
import type { AdminTarget, EnvoyAdmin } from '../../identity/envoy-admin.ts';
import { badRequest } from '../http/failure.ts';
import { formatJson } from '../http/json-text.ts';
import type { Answer, Call, Route } from '../http/route.ts';
import { nameParameters } from '../openapi/parameters.ts';
import { pathOf } from '../resources/read-routes.ts';
import type { ResourceReader } from '../resources/reader.ts';

/** One page of Envoy's admin interface. */
interface EnvoyPage {
  readonly path: string;
  readonly summary: string;
  readonly access: ProxyView['access'];
  readonly parameters: readonly string[];
  /** Path and query of the admin interface. Errors: 400 for words that are none. */
  adminPath(query: URLSearchParams): string;
  answer(text: string, query: URLSearchParams): Answer;
}

const formats: readonly string[] = ['text', 'json'];

const pages: readonly EnvoyPage[] = [
  {
    path: 'xds',
    summary: "What a proxy's Envoy is configured with, as it says itself",
    access: 'VIEW_CONFIG_DUMP',
    parameters: ['include_eds'],
    adminPath: (query) => (readFlag(query, 'include_eds') ? '/config_dump?include_eds' : '/config_dump'),
    answer: (text) => ({ status: 200, body: formatJson(redactSecrets(JSON.parse(text))) }),
  },
  {
    path: 'stats',
    summary: "What a proxy's Envoy has counted",
    access: 'VIEW_STATS',
    parameters: ['envoyFormat', 'usedonly'],
    adminPath: (query) => {
      const words = [...(formatOf(query) === 'json' ? ['format=json'] : [])];
      if (readFlag(query, 'usedonly')) words.push('usedonly');
      return words.length === 0 ? '/stats' : `/stats?${words.join('&')}`;
    },
    answer: asPrinted,
  },
  {
    path: 'clusters',
    summary: "Destinations of a proxy's Envoy, their hosts and health",
    access: 'VIEW_CLUSTERS',
    parameters: ['envoyFormat'],
    adminPath: (query) => (formatOf(query) === 'json' ? '/clusters?format=json' : '/clusters'),
    answer: asPrinted,
  },
];

const proxyTypes: Readonly<Record<string, AdminTarget['proxyType']>> = {
  Dataplane: 'dataplane',
  ZoneIngress: 'ingress',
  ZoneEgress: 'egress',
};

/** The endpoints of Dataplane, ZoneIngress and ZoneEgress. A proxy that cannot be asked is answered with 503 and why. */
export function envoyRoutes(
  reader: ResourceReader,
  access: Pick<AccessControl, 'requireView'>,
  admin: EnvoyAdmin,
): readonly Route[] {
  return Object.entries(proxyTypes).flatMap(([typeName, proxyType]) => {
    const type = reader.types.byName(typeName);
    if (type === undefined) return [];
    return pages.map((page): Route => {
      const authorize = ({ params: { mesh = '', name = '' }, user }: Call): void =>
        access.requireView(user, { access: page.access, type, mesh, name });
      return {
        method: 'GET',
        path: `${pathOf(type)}/{name}/${page.path}`,
        tag: 'Inspection',
        summary: page.summary,
        query: nameParameters(...page.parameters),
        answers: { 200: page.path === 'xds' ? Type.Object({ configs: Type.Array(Type.Object({})) }) : Type.String() },
        ...(page.path === 'xds' ? {} : { contentType: 'text/plain' }),
        authorize,
        handle: async (call: Call) => {
          authorize(call);
          const {
            params: { mesh = '', name = '' },
            query,
          } = call;
          reader.requireMesh(mesh);
          reader.get(typeName, mesh, name, `Could not retrieve ${typeName}`);
          const path = page.adminPath(query);
          return page.answer(await admin.ask({ proxyType, mesh, name }, path), query);
        },
      };
    });
  });
}

function asPrinted(text: string, query: URLSearchParams): Answer {
  const contentType = formatOf(query) === 'json' ? 'application/json' : 'text/plain';
  return { status: 200, body: text, contentType };
}

/** `text` unless said otherwise. Not every form that Envoy knows: its HTML page runs scripts. */
function formatOf(query: URLSearchParams): string {
  const format = query.get('format') || 'text';
  if (!formats.includes(format))
    throw badRequest(`unsupported value for query parameter 'format': expected ${formats.join(' or ')}`);
  return format;
}

/** `?flag`, `?flag=true`; absent or `false` is no. */
function readFlag(query: URLSearchParams, name: string): boolean {
  const value = query.get(name);
  if (value === null || value === 'false') return false;
  if (value === '' || value === 'true') return true;
  throw badRequest(`unsupported value for query parameter '${name}': expected true or false`);
}
