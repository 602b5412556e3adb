// What a MeshHTTPRoute matches, in Envoy's words.
import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  HeaderMatcherSchema,
  QueryParameterMatcherSchema,
  RouteMatchSchema,
} from '@ursa/envoy/gen/envoy/config/route/v3/route_components_pb.ts';
import type { StringMatcherSchema } from '@ursa/envoy/gen/envoy/type/matcher/v3/string_pb.ts';
import type { HttpMatch } from './http-route-conf.ts';

/** A path that Envoy matches on its own. A prefix in the sense of a route, `/a`, is two of them: `/a` itself and all below `/a/`. */
export interface PathPart {
  readonly kind: 'path' | 'prefix' | 'regex';
  readonly value: string;
}

/** The paths that a match stands for. */
export function pathParts(path: HttpMatch['path']): readonly PathPart[] {
  if (path === undefined) return [{ kind: 'prefix', value: '/' }];
  if (path.type === 'Exact') return [{ kind: 'path', value: path.value }];
  if (path.type === 'RegularExpression') return [{ kind: 'regex', value: path.value }];
  if (path.value === '/') return [{ kind: 'prefix', value: '/' }];
  return [
    { kind: 'path', value: path.value },
    { kind: 'prefix', value: `${path.value}/` },
  ];
}

/** Envoy's match for one of the paths. */
export function routeMatch(match: HttpMatch, part: PathPart): MessageInitShape<typeof RouteMatchSchema> {
  const method = match.method === undefined ? [] : [header(':method', { case: 'exact', value: match.method })];
  return {
    pathSpecifier:
      part.kind === 'regex'
        ? { case: 'safeRegex', value: { regex: part.value } }
        : { case: part.kind, value: part.value },
    headers: [...method, ...(match.headers ?? []).map(headerMatcher)],
    queryParameters: (match.queryParams ?? []).map(queryMatcher),
  };
}

type Pattern = NonNullable<MessageInitShape<typeof StringMatcherSchema>['matchPattern']>;

/** Envoy's match for a header. */
export function header(name: string, matchPattern: Pattern): MessageInitShape<typeof HeaderMatcherSchema> {
  return { name, headerMatchSpecifier: { case: 'stringMatch', value: { matchPattern } } };
}

function headerMatcher({
  type = 'Exact',
  name,
  value = '',
}: NonNullable<HttpMatch['headers']>[number]): MessageInitShape<typeof HeaderMatcherSchema> {
  switch (type) {
    case 'Present':
    case 'Absent':
      return { name, headerMatchSpecifier: { case: 'presentMatch', value: type === 'Present' } };
    case 'Prefix':
      return header(name, { case: 'prefix', value });
    case 'RegularExpression':
      return header(name, { case: 'safeRegex', value: { regex: value } });
    default:
      return header(name, { case: 'exact', value });
  }
}

function queryMatcher({
  type,
  name,
  value,
}: NonNullable<HttpMatch['queryParams']>[number]): MessageInitShape<typeof QueryParameterMatcherSchema> {
  const matchPattern: Pattern =
    type === 'RegularExpression' ? { case: 'safeRegex', value: { regex: value } } : { case: 'exact', value };
  return { name, queryParameterMatchSpecifier: { case: 'stringMatch', value: { matchPattern } } };
}
