// The OpenAPI document: every route the server has, every registered type. Served at /openapi.json and printed into the reference.
import type { ResourceTypes } from '@ursa/resources';
import type { Route } from '../http/route.ts';
import { documentSchemaOf, errorSchema, plain } from './resource-schemas.ts';

/** Where and in which version the API is served. */
export interface DocumentOptions {
  readonly version: string;
  readonly basePath: string;
}

/** OpenAPI 3.1 as a JSON-ready object. Paths and types come sorted, so that two runs give equal texts. */
export function createOpenApiDocument(
  routes: readonly Route[],
  types: ResourceTypes,
  options: DocumentOptions,
): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes.toSorted((one, other) => (one.path < other.path ? -1 : one.path > other.path ? 1 : 0))) {
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: describeRoute(route) };
  }
  const schemas = types.all
    .toSorted((one, other) => (one.name < other.name ? -1 : 1))
    .map((type) => [type.name, documentSchemaOf(type)] as const);
  return {
    openapi: '3.1.0',
    info: {
      title: 'Ursa control plane',
      version: options.version,
      description: 'The REST API of a control plane: resources of its meshes, inspection of proxies, tokens.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: options.basePath }],
    security: [{ userToken: [] }, {}],
    paths,
    components: {
      securitySchemes: { userToken: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
      schemas: { ...Object.fromEntries(schemas), Error: plain(errorSchema) },
      responses: {
        Error: {
          description: 'What is wrong with the request, or why it cannot be served now.',
          content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
        },
      },
    },
  };
}

function describeRoute(route: Route): Record<string, unknown> {
  const pathParameters = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
  const queryParameters = (route.query ?? []).map(({ name, description, schema }) => ({
    name,
    in: 'query',
    description,
    schema: plain(schema),
    ...(name === 'filter' ? { style: 'deepObject' } : {}),
  }));
  const parameters = [...pathParameters, ...queryParameters];
  return {
    tags: [route.tag],
    summary: route.summary,
    operationId: operationIdOf(route),
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(route.body === undefined
      ? {}
      : { requestBody: { required: true, content: { 'application/json': { schema: plain(route.body) } } } }),
    responses: {
      ...Object.fromEntries(
        Object.entries(route.answers).map(([status, schema]) => [status, describeAnswer(route, schema)]),
      ),
      default: { $ref: '#/components/responses/Error' },
    },
  };
}

function describeAnswer(route: Route, schema: Route['answers'][number]): Record<string, unknown> {
  const contentType = route.contentType?.split(';')[0] ?? 'application/json';
  return { description: route.summary, content: { [contentType]: { schema: plain(schema) } } };
}

/** `GET /meshes/{mesh}/dataplanes/{name}` → `getMeshesMeshDataplanesName`. Leading underscores stay, so that ids stay different. */
function operationIdOf(route: Route): string {
  const words = route.path.split(/[^\w]+/).filter((word) => word !== '');
  const joined = words.map((word) => `${word[0]?.toUpperCase() ?? ''}${word.slice(1)}`).join('');
  return `${route.method.toLowerCase()}${joined === '' ? 'Index' : joined}`;
}
