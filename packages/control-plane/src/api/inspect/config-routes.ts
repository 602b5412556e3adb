// GET …/dataplanes/{name}/_config: the configuration a proxy has now.
import type { ProxyConfig } from '@ursa/engine';
import { MeshError } from '@ursa/resources';
import { Type } from 'typebox';
import { requireAccess, type StaticAccess } from '../../identity/static-access.ts';
import { badRequest, notFound } from '../http/failure.ts';
import { formatJson } from '../http/json-text.ts';
import type { Route } from '../http/route.ts';
import { nameParameters } from '../openapi/parameters.ts';
import type { ResourceReader } from '../resources/reader.ts';
import { formatConfig } from './config-view.ts';

/** Configuration of a proxy that has connected at some time; undefined for others. */
export type ConfigOf = (mesh: string, name: string) => ProxyConfig | undefined;

/** The endpoint. */
export function configRoutes(reader: ResourceReader, access: StaticAccess, configOf: ConfigOf): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/meshes/{mesh}/dataplanes/{name}/_config',
      tag: 'Inspection',
      summary: "The configuration of a proxy's Envoy",
      query: nameParameters('shadow', 'include'),
      answers: { 200: Type.Object({ xds: Type.Object({}) }) },
      handle: (call) => {
        const { mesh = '', name = '' } = call.params;
        reader.requireMesh(mesh);
        requireSupported(call.query);
        requireAccess(access, 'viewConfigDump', call.user);
        const config = configOf(mesh, name);
        if (config === undefined) throw notFound('Failed to fetch dataplane insight');
        const diff = includesOf(call.query).length > 0 ? { diff: [] } : {};
        return { status: 200, body: formatJson({ ...diff, ...formatConfig(config) }) };
      },
    },
  ];
}

const truths: Readonly<Record<string, boolean>> = {
  true: true,
  '1': true,
  t: true,
  false: false,
  '0': false,
  f: false,
};

function includesOf(query: URLSearchParams): readonly string[] {
  return (query.get('include') ?? '').split(',').filter((word) => word !== '');
}

/** Errors: 400 for words that are none, 501 for shadow mode, which the engine does not answer yet. */
function requireSupported(query: URLSearchParams): void {
  const shadow = (query.get('shadow') ?? 'false').toLowerCase();
  if (!Object.hasOwn(truths, shadow)) throw badRequest("unsupported value for query parameter 'shadow'");
  if (includesOf(query).some((word) => word !== 'diff')) {
    throw badRequest("unsupported value for query parameter 'include'");
  }
  if (truths[shadow] === true) {
    throw new MeshError('unsupported', 'shadow policies cannot be previewed in this version; ask without shadow=true');
  }
}
