// GET of one resource and of lists: of a mesh, across meshes, of global types.
import type { Resource, ResourceType } from '@ursa/resources';
import type { Answer, Call, QueryParameter, Route } from '../http/route.ts';
import { listQuery, nameParameters } from '../openapi/parameters.ts';
import { listSchemaOf, resourceSchemaOf } from '../openapi/resource-schemas.ts';
import { entityTagOf, isUnchanged } from './entity-tag.ts';
import { formatAs, formatQuery } from './format.ts';
import { answerList } from './list-answer.ts';
import type { ResourceReader } from './reader.ts';

const getTitle = 'Could not retrieve a resource';

/** Path of one resource of a type: `/meshes/{mesh}/meshtimeouts/{name}` or `/zones/{name}`. */
export function pathOf(type: ResourceType, path = type.path): string {
  return type.scope === 'Mesh' ? `/meshes/{mesh}/${path}` : `/${path}`;
}

/** Endpoints that read one type, under one of its paths. `revision` is the store's. */
export function readRoutes(
  type: ResourceType,
  path: string,
  reader: ResourceReader,
  revision: () => number,
): readonly Route[] {
  const collection = pathOf(type, path);
  const list = (at: string): Route => ({
    method: 'GET',
    path: at,
    tag: type.name,
    summary: at === collection ? `Lists ${type.pluralDisplayName}` : `Lists ${type.pluralDisplayName} of all meshes`,
    query: listQueryOf(type),
    answers: { 200: listSchemaOf(type) },
    handle: (call) =>
      answerList(
        { type, path: at, reader, print: (resource) => reader.printed.item(reader.shown(resource, call.user)) },
        call,
      ),
  });
  return [
    {
      method: 'GET',
      path: `${collection}/{name}`,
      tag: type.name,
      summary: `Gets a ${type.singularDisplayName}`,
      query: formatQuery,
      answers: { 200: resourceSchemaOf(type) },
      handle: (call) => getResource(type, reader, call, revision()),
    },
    list(collection),
    ...(type.scope === 'Mesh' ? [list(`/${path}`)] : []),
  ];
}

function getResource(type: ResourceType, reader: ResourceReader, call: Call, revision: number): Answer {
  const { mesh = '', name = '' } = call.params;
  reader.requireMesh(mesh);
  reader.requireRead(type, call.user, mesh, name);
  return answerResource(reader, reader.get(type.name, mesh, name, getTitle), call, revision);
}

/** One resource with its ETag, in the form asked for; 304 when the caller has it already. */
export function answerResource(reader: ResourceReader, resource: Resource, call: Call, revision: number): Answer {
  const headers = { etag: entityTagOf(resource), 'kuma-revision': String(revision) };
  const shown = reader.shown(resource, call.user);
  const formatted = formatAs(call.query, reader.types, shown, getTitle);
  if (formatted !== undefined) return { status: 200, body: formatted, headers };
  if (isUnchanged(call, resource)) return { status: 304, body: '', headers };
  return { status: 200, body: reader.printed.body(shown), headers };
}

function listQueryOf(type: ResourceType): readonly QueryParameter[] {
  return type.name === 'Dataplane' ? [...listQuery, ...nameParameters('tag', 'gateway')] : listQuery;
}
