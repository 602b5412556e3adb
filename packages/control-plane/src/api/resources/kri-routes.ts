// GET /_kri/{kri}: one resource by its KRI.
import { kriOf, type Resource, type ResourceTypes } from '@ursa/resources';
import { Type } from 'typebox';
import { badRequest, notFound } from '../http/failure.ts';
import type { Route } from '../http/route.ts';
import { formatQuery } from './format.ts';
import { answerResource } from './read-routes.ts';
import type { ResourceReader } from './reader.ts';

/** What a KRI in a path says: which type, in which mesh, and the KRI without its section. */
export interface KriParameter {
  readonly type: string;
  readonly mesh: string;
  readonly section: string;
  /** The KRI of the whole resource. */
  readonly resource: string;
}

/** Reads a KRI out of a path. Errors: 400 that says what is wrong with it. */
export function parseKriParameter(types: ResourceTypes, text: string): KriParameter {
  const shown = JSON.stringify(text.slice(0, 300));
  const parts = text.split('_');
  if (parts.length < 2) throw badRequest(`invalid identifier string: ${shown}`);
  const [prefix, shortName = '', mesh = '', zone, namespace, name, section = ''] = parts;
  if (prefix !== 'kri') throw badRequest(`identifier must start with 'kri': ${shown}`);
  const type = types.all.find((candidate) => candidate.shortName === shortName && shortName !== '');
  if (type === undefined) throw badRequest(`unknown short name of resource type: ${JSON.stringify(shortName)}`);
  if (parts.length !== 7) throw badRequest(`invalid identifier string: ${shown}`);
  return { type: type.name, mesh, section, resource: `kri_${shortName}_${mesh}_${zone}_${namespace}_${name}_` };
}

/** The resource of a KRI, which must fit in all its parts; undefined when there is none. */
function findByKri(reader: ResourceReader, kri: KriParameter): Resource | undefined {
  const type = reader.types.byName(kri.type);
  if (type === undefined) return undefined;
  const mesh = type.scope === 'Mesh' ? kri.mesh : undefined;
  return reader.list(kri.type, mesh).find((resource) => kriOf(type, resource) === kri.resource);
}

/** The endpoint. `revision` is the store's. */
export function kriRoutes(reader: ResourceReader, revision: () => number): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/_kri/{kri}',
      tag: 'Discovery',
      summary: 'Gets a resource by its KRI',
      query: formatQuery,
      answers: { 200: Type.Object({ type: Type.String(), name: Type.String() }) },
      handle: (call) => {
        const kri = parseKriParameter(reader.types, call.params.kri ?? '');
        const type = reader.types.byName(kri.type);
        const resource = findByKri(reader, kri);
        if (type !== undefined) {
          const mesh = type.scope === 'Mesh' ? kri.mesh : '';
          reader.requireRead(type, call.user, mesh, resource?.name);
        }
        if (resource === undefined) throw notFound('Could not retrieve a resource');
        return answerResource(reader, resource, call, revision());
      },
    },
  ];
}
