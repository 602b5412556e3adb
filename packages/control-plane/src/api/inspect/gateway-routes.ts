// GET …/meshgateways/{name}/_rules: answered when built-in gateways are configured; until then only what is not there is told.
import { MeshError } from '@ursa/resources';
import type { Route } from '../http/route.ts';
import type { ResourceReader } from '../resources/reader.ts';
import { rulesSchema } from './inspect-schemas.ts';

/** The endpoint. */
export function gatewayRoutes(reader: ResourceReader): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/meshes/{mesh}/meshgateways/{name}/_rules',
      tag: 'Inspection',
      summary: 'The merged rules of a built-in gateway',
      answers: { 200: rulesSchema },
      handle: ({ params: { mesh = '', name = '' } }) => {
        reader.requireMesh(mesh);
        reader.get('MeshGateway', mesh, name, 'Could not retrieve MeshGateway');
        throw new MeshError('unsupported', 'rules of built-in gateways are not shown in this version');
      },
    },
  ];
}
