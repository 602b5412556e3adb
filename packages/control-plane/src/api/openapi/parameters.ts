// Query parameters that many endpoints share, as the description shows them.
import { Type } from 'typebox';
import type { QueryParameter } from '../http/route.ts';

const shared: Readonly<Record<string, QueryParameter>> = {
  size: {
    name: 'size',
    description: 'Items on a page.',
    schema: Type.Integer({ minimum: 1, maximum: 1000, default: 100 }),
  },
  offset: { name: 'offset', description: 'Items to skip.', schema: Type.Integer({ minimum: 0, default: 0 }) },
  name: { name: 'name', description: 'Part of the name.', schema: Type.String() },
  filter: {
    name: 'filter',
    description: 'Labels that items must have: `filter[labels.<key>]=<value>`.',
    schema: Type.Record(Type.String(), Type.String()),
  },
  tag: {
    name: 'tag',
    description: 'Tags that one inbound must have: `<key>:<part of the value>`.',
    schema: Type.Array(Type.String()),
  },
  gateway: {
    name: 'gateway',
    description: 'Only gateways (`true`), gateways of one kind, or no gateways (`false`).',
    schema: Type.Enum(['true', 'false', 'builtin', 'delegated']),
  },
  format: {
    name: 'format',
    description: 'Form of the resource.',
    schema: Type.Enum(['universal', 'k8s', 'kubernetes']),
  },
  namespace: { name: 'namespace', description: 'Namespace in the Kubernetes form.', schema: Type.String() },
  dryRun: {
    name: 'dryRun',
    description: 'Checks the write and answers as if it were done, without doing it.',
    schema: Type.Boolean(),
  },
  force: {
    name: 'force',
    description: 'Goes on where a write is refused because strict mTLS would cut off clients.',
    schema: Type.Boolean(),
  },
  shadow: { name: 'shadow', description: 'Counts shadow policies in.', schema: Type.Boolean() },
  include: {
    name: 'include',
    description: 'What to add: `diff`, `warnings`, separated by a comma.',
    schema: Type.String(),
  },
  include_eds: { name: 'include_eds', description: 'Adds the endpoints.', schema: Type.Boolean() },
  usedonly: { name: 'usedonly', description: 'Only what has been counted.', schema: Type.Boolean() },
  envoyFormat: { name: 'format', description: 'Form of the answer.', schema: Type.Enum(['text', 'json']) },
  from: { name: 'from', description: 'The client: a data plane, a service or a workload.', schema: Type.String() },
  to: { name: 'to', description: 'The server: a service, a MeshService or a data plane.', schema: Type.String() },
  port: {
    name: 'port',
    description: 'Port that the client calls.',
    schema: Type.Integer({ minimum: 1, maximum: 65535 }),
  },
  method: { name: 'method', description: 'Method of the request.', schema: Type.String({ default: 'GET' }) },
  path: { name: 'path', description: 'Path of the request, with its query.', schema: Type.String({ default: '/' }) },
  header: {
    name: 'header',
    description: 'Headers of the request, each `name:value`.',
    schema: Type.Array(Type.String()),
  },
  type: { name: 'type', description: 'Kinds of services, separated by commas.', schema: Type.String() },
};

/** Shared parameters by name. Errors: a name that is not shared is a bug. */
export function nameParameters(...names: readonly string[]): readonly QueryParameter[] {
  return names.map((name) => {
    const parameter = shared[name];
    if (parameter === undefined) throw new Error(`no shared query parameter is called ${name}`);
    return parameter;
  });
}

/** Parameters of every list. */
export const listQuery: readonly QueryParameter[] = nameParameters('size', 'offset', 'name', 'filter');
