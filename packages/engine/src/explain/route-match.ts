// Which of Envoy's routes takes a request: the routes as the proxy gets them, tried in their order as Envoy does.
import type {
  HeaderMatcher,
  QueryParameterMatcher,
  Route,
} from '@ursa/envoy/gen/envoy/config/route/v3/route_components_pb.ts';
import type { StringMatcher } from '@ursa/envoy/gen/envoy/type/matcher/v3/string_pb.ts';
import type { Question } from './explanation.ts';

type Request = Pick<Question, 'method' | 'path' | 'headers'>;

/** True when the route takes the request. */
export function routeTakes({ match }: Route, { method, path, headers }: Request): boolean {
  if (match === undefined) return false;
  const [plain = '', query = ''] = path.split('?', 2);
  const given: Readonly<Record<string, string>> = { ...headers, ':method': method, ':path': path };
  const parameters = new URLSearchParams(query);
  return (
    pathTakes(match.pathSpecifier, plain) &&
    match.headers.every((header) => headerTakes(header, given[header.name.toLowerCase()])) &&
    match.queryParameters.every((parameter) => parameterTakes(parameter, parameters.get(parameter.name)))
  );
}

function pathTakes(specifier: NonNullable<Route['match']>['pathSpecifier'], path: string): boolean {
  switch (specifier.case) {
    case 'prefix':
      return path.startsWith(specifier.value);
    case 'path':
      return path === specifier.value;
    case 'safeRegex':
      return fits(specifier.value.regex, path);
    case 'pathSeparatedPrefix':
      return path === specifier.value || path.startsWith(`${specifier.value}/`);
    default:
      return specifier.case === undefined;
  }
}

function headerTakes(
  { headerMatchSpecifier: specifier, invertMatch }: HeaderMatcher,
  value: string | undefined,
): boolean {
  const holds =
    specifier.case === 'presentMatch'
      ? (value !== undefined) === specifier.value
      : specifier.case === 'stringMatch'
        ? value !== undefined && stringTakes(specifier.value, value)
        : value !== undefined;
  return holds !== invertMatch;
}

function parameterTakes(
  { queryParameterMatchSpecifier: specifier }: QueryParameterMatcher,
  value: string | null,
): boolean {
  if (value === null) return false;
  return specifier.case !== 'stringMatch' || stringTakes(specifier.value, value);
}

function stringTakes({ matchPattern }: StringMatcher, value: string): boolean {
  switch (matchPattern.case) {
    case 'exact':
      return value === matchPattern.value;
    case 'prefix':
      return value.startsWith(matchPattern.value);
    case 'suffix':
      return value.endsWith(matchPattern.value);
    case 'contains':
      return value.includes(matchPattern.value);
    case 'safeRegex':
      return fits(matchPattern.value.regex, value);
    default:
      return false;
  }
}

const longestValue = 256;

// Envoy's expressions take linear time, JavaScript's do not: only those are tried that cannot take long, on short values.
function isCheap(expression: string): boolean {
  if (/\)[*+?{]|\\[1-9]|\(\?/.test(expression) || (expression.match(/[*+{]/g) ?? []).length > 2) return false;
  try {
    new RegExp(expression);
    return true;
  } catch {
    return false;
  }
}

// Envoy matches the whole value.
function fits(expression: string, value: string): boolean {
  return value.length <= longestValue && isCheap(expression) && new RegExp(`^(?:${expression})$`).test(value);
}

/** True when `routeTakes` cannot say: an expression that it does not try. */
export function isUndecided({ match }: Route, { path }: Pick<Request, 'path'>): boolean {
  const expressions = [
    match?.pathSpecifier.case === 'safeRegex' ? match.pathSpecifier.value.regex : '',
    ...(match?.headers ?? []).map(({ headerMatchSpecifier: { case: kind, value } }) =>
      kind === 'stringMatch' ? expressionIn(value) : '',
    ),
    ...(match?.queryParameters ?? []).map(({ queryParameterMatchSpecifier: { case: kind, value } }) =>
      kind === 'stringMatch' ? expressionIn(value) : '',
    ),
  ].filter((expression) => expression !== '');
  return (
    expressions.some((expression) => !isCheap(expression)) || (expressions.length > 0 && path.length > longestValue)
  );
}

function expressionIn({ matchPattern }: StringMatcher): string {
  return matchPattern.case === 'safeRegex' ? matchPattern.value.regex : '';
}

/** True when everything that `later` takes is taken by `earlier` already. Said only of plain paths: other conditions are compared as they stand. */
export function routeCovers({ match: earlier }: Route, { match: later }: Route): boolean {
  if (earlier === undefined || later === undefined) return false;
  if (earlier.headers.length > 0 || earlier.queryParameters.length > 0) return false;
  const path = later.pathSpecifier;
  if (path.case !== 'prefix' && path.case !== 'path') {
    return earlier.pathSpecifier.case === 'prefix' && earlier.pathSpecifier.value === '/';
  }
  if (earlier.pathSpecifier.case === 'prefix') return path.value.startsWith(earlier.pathSpecifier.value);
  return earlier.pathSpecifier.case === 'path' && path.case === 'path' && path.value === earlier.pathSpecifier.value;
}
