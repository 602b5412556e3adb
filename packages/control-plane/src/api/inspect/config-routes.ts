// GET …/dataplanes/{name}/_config and /zoneegresses/{name}/_config: the configuration a proxy has now, or would have if the shadow policies were in force.
import type { Engine } from '@ursa/engine';
import { Type } from 'typebox';
import type { AccessControl, ProxyView } from '../../identity/access-control.ts';
import { keyInType } from '../../store/live-resources.ts';
import { badRequest, notFound } from '../http/failure.ts';
import { formatJson } from '../http/json-text.ts';
import type { Call, Route } from '../http/route.ts';
import { nameParameters } from '../openapi/parameters.ts';
import type { ResourceReader } from '../resources/reader.ts';
import { formatConfig } from './config-view.ts';
import { diffJson } from './json-patch.ts';

/** The engine, and one over the same inputs in which shadow policies are in force. */
export interface Configurations {
  readonly engine: Pick<Engine, 'config'>;
  readonly shadowEngine: Pick<Engine, 'config'>;
}

/** The endpoint. A proxy has a configuration once it has connected. */
export function configRoutes(
  reader: ResourceReader,
  access: Pick<AccessControl, 'requireView'>,
  configurations: Configurations,
): readonly Route[] {
  const configOf = (engine: Pick<Engine, 'config'>, mesh: string, name: string, what: string) => {
    const config = engine.config.get(keyInType({ mesh, name }));
    if (config === undefined) throw notFound(`Failed to fetch ${what} insight`);
    return config;
  };
  const route = (path: string, type: ProxyView['type'], summary: string): Route => {
    const authorize = ({ user, params: { mesh = '', name = '' } }: Call): void =>
      access.requireView(user, { access: 'VIEW_CONFIG_DUMP', type, mesh, name });
    return {
      method: 'GET',
      path,
      tag: 'Inspection',
      summary,
      query: nameParameters('shadow', 'include'),
      answers: { 200: answerSchema },
      authorize,
      handle: (call) => {
        const { mesh = '', name = '' } = call.params;
        reader.requireMesh(mesh);
        const { shadow, diff, warnings } = parseQuestion(call.query);
        authorize(call);
        const what = type.name === 'Dataplane' ? 'dataplane' : 'zone egress';
        const current = configOf(configurations.engine, mesh, name, what);
        const asked = shadow ? configOf(configurations.shadowEngine, mesh, name, what) : current;
        const xds = formatConfig(asked);
        const body = {
          ...(diff ? { diff: diffJson(shadow ? formatConfig(current) : xds, xds) } : {}),
          ...(warnings ? { warnings: asked.warnings.map(({ message }) => message) } : {}),
          xds,
        };
        return { status: 200, body: formatJson(body) };
      },
    };
  };
  return [
    route(
      '/meshes/{mesh}/dataplanes/{name}/_config',
      { name: 'Dataplane', scope: 'Mesh' },
      "The configuration of a proxy's Envoy",
    ),
    route(
      '/zoneegresses/{name}/_config',
      { name: 'ZoneEgress', scope: 'Global' },
      "The configuration of a zone egress' Envoy",
    ),
  ];
}

const answerSchema = Type.Object({
  xds: Type.Object({}),
  diff: Type.Optional(Type.Array(Type.Object({}))),
  warnings: Type.Optional(Type.Array(Type.String())),
});

const truths: Readonly<Record<string, boolean>> = {
  true: true,
  '1': true,
  t: true,
  false: false,
  '0': false,
  f: false,
};

/** What is asked of a configuration. */
interface Question {
  readonly shadow: boolean;
  /** With the steps from the configuration in force to the one that is shown. */
  readonly diff: boolean;
  /** With what of policies and Mesh has no effect on this proxy. */
  readonly warnings: boolean;
}

/** Errors: 400 for words that are none. */
function parseQuestion(query: URLSearchParams): Question {
  const shadow = (query.get('shadow') ?? '').toLowerCase() || 'false';
  if (!Object.hasOwn(truths, shadow)) throw badRequest("unsupported value for query parameter 'shadow'");
  const include = (query.get('include') ?? '').split(',').filter((word) => word !== '');
  if (include.some((word) => word !== 'diff' && word !== 'warnings')) {
    throw badRequest("unsupported value for query parameter 'include'");
  }
  return { shadow: truths[shadow] === true, diff: include.includes('diff'), warnings: include.includes('warnings') };
}
