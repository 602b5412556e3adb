// GET /meshes/{mesh}/_explain: what will become of a request, and which policies decide. Answered by the engine that configures the proxies.
import type { Engine, Question } from '@ursa/engine';
import { Type } from 'typebox';
import type { AccessControl } from '../../identity/access-control.ts';
import { badRequest } from '../http/failure.ts';
import { formatJson } from '../http/json-text.ts';
import type { Route } from '../http/route.ts';
import { nameParameters } from '../openapi/parameters.ts';
import type { ResourceReader } from '../resources/reader.ts';

const longestText = 2048;
const anyProxy = {
  access: 'VIEW_CONFIG_DUMP',
  type: { name: 'Dataplane', scope: 'Mesh' },
  name: undefined,
} as const;
const anything = Type.Array(Type.Object({}));

const answer = Type.Object({
  verdict: Type.String(),
  summary: Type.String(),
  steps: anything,
  backends: anything,
  policies: anything,
  problems: anything,
});

/** The endpoint. It shows parts of configurations, so it asks for the same access as they do. */
export function explainRoutes(
  reader: ResourceReader,
  access: Pick<AccessControl, 'requireView'>,
  engine: Pick<Engine, 'explain'>,
): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/meshes/{mesh}/_explain',
      tag: 'Inspection',
      summary: 'Whether a request gets through, and which policies decide',
      query: nameParameters('from', 'to', 'port', 'method', 'path', 'header'),
      answers: { 200: answer },
      handle: (call) => {
        const { mesh = '' } = call.params;
        reader.requireMesh(mesh);
        access.requireView(call.user, { ...anyProxy, mesh });
        return { status: 200, body: formatJson(engine.explain(parseQuestion(mesh, call.query))) };
      },
    },
  ];
}

/** Errors: 400 that names the parameter. */
function parseQuestion(mesh: string, query: URLSearchParams): Question {
  const text = (name: string, otherwise?: string): string => {
    const value = query.get(name) ?? otherwise ?? '';
    if (value === '') throw badRequest(`query parameter '${name}' is required`);
    if (value.length > longestText)
      throw badRequest(`query parameter '${name}' is longer than ${longestText} characters`);
    return value;
  };
  const port = query.get('port');
  if (port !== null && !(/^\d{1,5}$/.test(port) && Number(port) >= 1 && Number(port) <= 65_535))
    throw badRequest("query parameter 'port' has to be a number from 1 to 65535");
  const headers = query.getAll('header').map((header): [string, string] => {
    const colon = header.indexOf(':');
    if (colon < 1 || header.length > longestText) throw badRequest("query parameter 'header' has to be name:value");
    return [header.slice(0, colon).toLowerCase(), header.slice(colon + 1).trim()];
  });
  return {
    mesh,
    from: text('from'),
    to: text('to'),
    ...(port === null ? {} : { port: Number(port) }),
    method: text('method', 'GET'),
    path: text('path', '/'),
    headers: Object.fromEntries(headers),
  };
}
