// The answer to a GET of a list of resources: filtered, cut to a page, each item printed.
import type { Resource, ResourceType } from '@ursa/resources';
import { joinList } from '../http/json-text.ts';
import { nextPage, parsePage } from '../http/page.ts';
import type { Answer, Call } from '../http/route.ts';
import { parseFilter } from './filter.ts';
import type { ResourceReader } from './reader.ts';

const title = 'Could not retrieve resources';

/** An endpoint that lists resources of one type. */
export interface ResourceList {
  readonly type: ResourceType;
  /** Path of the endpoint, named in refusals. */
  readonly path: string;
  readonly reader: ResourceReader;
  /** The JSON of one item, as bytes. */
  readonly print: (resource: Resource) => Buffer;
}

/** The page that a call asks for; of the mesh in its path, or of all meshes. */
export function answerList({ type, path, reader, print }: ResourceList, call: Call): Answer {
  const page = parsePage(call.query, title);
  const filter = parseFilter(call.query, type, path, title);
  const { mesh } = call.params;
  if (mesh !== undefined) reader.requireMesh(mesh);
  reader.requireRead(type, call.user, mesh ?? '');
  const { total, resources } = reader.page(type.name, mesh, page, filter);
  return { status: 200, body: joinList(total, resources.map(print), nextPage(call, page, total)) };
}
