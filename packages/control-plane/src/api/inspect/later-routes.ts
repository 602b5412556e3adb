// Endpoints of the peer whose answers need parts that are not built yet. They say so, so that a client can tell them from a wrong path.
import { MeshError, type ResourceType } from '@ursa/resources';
import { Type } from 'typebox';
import type { Route } from '../http/route.ts';
import { pathOf } from '../resources/read-routes.ts';
import type { ResourceReader } from '../resources/reader.ts';

/** One endpoint that comes later. */
interface LaterEndpoint {
  /** Type of the resource it is about. */
  readonly type: string;
  /** Below the resource's path. */
  readonly paths: readonly string[];
  readonly summary: string;
  /** What is missing, and what to use instead. */
  readonly reason: string;
}

const later: readonly LaterEndpoint[] = [
  {
    type: 'Dataplane',
    paths: ['rules'],
    summary: 'Rules of a data plane (older form)',
    reason: 'the older form of rules is not shown in this version; ask _rules',
  },
  {
    type: 'MeshGateway',
    paths: ['_rules'],
    summary: 'Rules of a built-in gateway',
    reason: 'built-in gateways are not configured in this version',
  },
];

/** The endpoints. They answer 404 for what is not there, else 501. */
export function laterRoutes(reader: ResourceReader): readonly Route[] {
  return later.flatMap((endpoint) => {
    const type = reader.types.byName(endpoint.type);
    return type === undefined ? [] : endpoint.paths.map((path) => laterRoute(reader, type, endpoint, path));
  });
}

function laterRoute(reader: ResourceReader, type: ResourceType, endpoint: LaterEndpoint, path: string): Route {
  return {
    method: 'GET',
    path: `${pathOf(type)}/{name}/${path}`,
    tag: 'Inspection',
    summary: `${endpoint.summary}; not in this version`,
    answers: { 501: Type.Unsafe({ $ref: '#/components/schemas/Error' }) },
    handle: ({ params: { mesh = '', name = '' } }) => {
      reader.requireMesh(mesh);
      reader.get(type.name, mesh, name, `Could not retrieve ${type.name}`);
      throw new MeshError('unsupported', endpoint.reason);
    },
  };
}
