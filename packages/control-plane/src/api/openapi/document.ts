// The OpenAPI document: every route the server has, every registered type. Served at /openapi.json and printed into the reference.
import type { ResourceTypes } from '@ursa/resources';
import type { TSchema } from 'typebox';
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
  const components: Components = { schemas: {}, parameters: {} };
  for (const type of types.all) components.schemas[type.name] = documentSchemaOf(type);
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes.toSorted((one, other) => (one.path < other.path ? -1 : one.path > other.path ? 1 : 0))) {
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: describeRoute(route, components) };
  }
  const error = hoist(errorSchema, components);
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
      parameters: sortKeys(components.parameters),
      schemas: sortKeys(components.schemas),
      responses: {
        Error: {
          description: 'What is wrong with the request, or why it cannot be served now.',
          content: { 'application/json': { schema: error } },
        },
      },
    },
  };
}

/** Parts that several endpoints share, by name. */
interface Components {
  readonly schemas: Record<string, unknown>;
  readonly parameters: Record<string, unknown>;
}

/** A schema with a title is written once, among the components, and referred to. */
function hoist(schema: TSchema, components: Components): Record<string, unknown> {
  const { title, ...rest } = plain(schema);
  if (typeof title !== 'string') return rest;
  components.schemas[title] = rest;
  return { $ref: `#/components/schemas/${title}` };
}

function describeRoute(route: Route, components: Components): Record<string, unknown> {
  const parameters = [...pathParameters(route, components), ...queryParameters(route, components)];
  const body = route.body === undefined ? undefined : hoist(route.body, components);
  const answers = Object.entries(route.answers).map(([status, schema]) => {
    const contentType = route.contentType?.split(';')[0] ?? 'application/json';
    const described = { description: route.summary, content: { [contentType]: { schema: hoist(schema, components) } } };
    return [status, described] as const;
  });
  return {
    tags: [route.tag],
    summary: route.summary,
    operationId: operationIdOf(route),
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(body === undefined
      ? {}
      : { requestBody: { required: true, content: { 'application/json': { schema: body } } } }),
    responses: { ...Object.fromEntries(answers), default: { $ref: '#/components/responses/Error' } },
  };
}

function pathParameters(route: Route, components: Components): readonly unknown[] {
  return [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => {
    components.parameters[`path-${name}`] = { name, in: 'path', required: true, schema: { type: 'string' } };
    return { $ref: `#/components/parameters/path-${name}` };
  });
}

function queryParameters(route: Route, components: Components): readonly unknown[] {
  return (route.query ?? []).map(({ name, description, schema }) => {
    const style = name === 'filter' ? { style: 'deepObject' } : {};
    components.parameters[name] = { name, in: 'query', description, schema: plain(schema), ...style };
    return { $ref: `#/components/parameters/${name}` };
  });
}

function sortKeys(record: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).sort(([one], [other]) => (one < other ? -1 : 1)));
}

/** `GET /meshes/{mesh}/dataplanes/{name}` → `getMeshesMeshDataplanesName`. Leading underscores stay, so that ids stay different. */
function operationIdOf(route: Route): string {
  const words = route.path.split(/[^\w]+/).filter((word) => word !== '');
  const joined = words.map((word) => `${word[0]?.toUpperCase() ?? ''}${word.slice(1)}`).join('');
  return `${route.method.toLowerCase()}${joined === '' ? 'Index' : joined}`;
}
