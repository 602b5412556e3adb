// What a MeshHTTPRoute changes on the way, in Envoy's words.
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  HeaderValueOption_HeaderAppendAction,
  type HeaderValueOptionSchema,
} from '@ursa/envoy/gen/envoy/config/core/v3/base_pb.ts';
import {
  type RedirectAction,
  RedirectActionSchema,
  RedirectAction_RedirectResponseCode as RedirectCode,
  type Route,
  type RouteAction,
  RouteAction_RequestMirrorPolicySchema,
  RouteSchema,
} from '@ursa/envoy/gen/envoy/config/route/v3/route_components_pb.ts';
import { RegexMatchAndSubstituteSchema } from '@ursa/envoy/gen/envoy/type/matcher/v3/regex_pb.ts';
import { FractionalPercent_DenominatorType as Denominator } from '@ursa/envoy/gen/envoy/type/v3/percent_pb.ts';
import { parseDecimal } from '@ursa/policy';
import type { HeaderModifier } from '../conf/headers.ts';
import type { PathPart } from './envoy-match.ts';
import type { HttpFilter } from './http-route-conf.ts';

/** Applies all filters but redirects to a route. `mirrors`: clusters of the mirrors, in the order of the filters that name them. */
export function applyFilters(
  route: Route,
  filters: readonly HttpFilter[],
  part: PathPart,
  mirrors: readonly (string | undefined)[],
): void {
  const remaining = [...mirrors];
  for (const { requestHeaderModifier, responseHeaderModifier, urlRewrite, requestMirror } of filters) {
    if (requestHeaderModifier !== undefined) {
      route.requestHeadersToAdd.push(...headersToAdd(requestHeaderModifier));
      route.requestHeadersToRemove.push(...(requestHeaderModifier.remove ?? []));
    }
    if (responseHeaderModifier !== undefined) {
      route.responseHeadersToAdd.push(...headersToAdd(responseHeaderModifier));
      route.responseHeadersToRemove.push(...(responseHeaderModifier.remove ?? []));
    }
    const mirror = requestMirror === undefined ? undefined : remaining.shift();
    if (route.action.case !== 'route') continue;
    if (urlRewrite !== undefined) rewrite(route.action.value, urlRewrite, part);
    if (mirror !== undefined) addMirror(route.action.value, mirror, requestMirror?.percentage ?? 100);
  }
}

function headersToAdd({ set = [], add = [] }: HeaderModifier): Route['requestHeadersToAdd'] {
  const { OVERWRITE_IF_EXISTS_OR_ADD, APPEND_IF_EXISTS_OR_ADD } = HeaderValueOption_HeaderAppendAction;
  const option =
    (appendAction: HeaderValueOption_HeaderAppendAction) =>
    ({
      name,
      value,
    }: {
      readonly name: string;
      readonly value: string;
    }): MessageInitShape<typeof HeaderValueOptionSchema> => ({
      header: { key: name, value },
      appendAction,
    });
  const requestHeadersToAdd = [
    ...set.map(option(OVERWRITE_IF_EXISTS_OR_ADD)),
    ...add.map(option(APPEND_IF_EXISTS_OR_ADD)),
  ];
  return create(RouteSchema, { requestHeadersToAdd }).requestHeadersToAdd;
}

type UrlRewrite = NonNullable<HttpFilter['urlRewrite']>;
type PathRewrite = NonNullable<UrlRewrite['path']>;

/** New path of requests; undefined when it stays. */
function newPath(given: PathRewrite | undefined): string | undefined {
  const path = given?.type === 'ReplaceFullPath' ? given.replaceFullPath : given?.replacePrefixMatch;
  return path === '' ? '/' : path;
}

/** True when only the part of the path that matched is replaced, and what follows it stays. */
function keepsRest(path: PathRewrite | undefined, part: PathPart): boolean {
  return path?.type === 'ReplacePrefixMatch' && part.kind === 'prefix';
}

function withSlash(path: string): string {
  return path.endsWith('/') ? path : `${path}/`;
}

/** What the matched prefix is replaced by; it ends in a slash where the match does. */
function newPrefix(path: string, part: PathPart): string {
  return part.value.endsWith('/') ? withSlash(path) : path;
}

function rewrite(action: RouteAction, { hostname, hostToBackendHostname, path }: UrlRewrite, part: PathPart): void {
  if (hostname !== undefined) action.hostRewriteSpecifier = { case: 'hostRewriteLiteral', value: hostname };
  if (hostToBackendHostname === true) {
    action.hostRewriteSpecifier = {
      case: 'autoHostRewrite',
      value: { $typeName: 'google.protobuf.BoolValue', value: true },
    };
  }
  const replacement = newPath(path);
  if (replacement === undefined) return;
  if (keepsRest(path, part)) {
    action.prefixRewrite = newPrefix(replacement, part);
    return;
  }
  // A backslash would be read as a reference to a group.
  const substitution = replacement.replaceAll('\\', '\\\\');
  action.regexRewrite = create(RegexMatchAndSubstituteSchema, { pattern: { regex: '.*' }, substitution });
}

function addMirror(action: RouteAction, cluster: string, percentage: number | string): void {
  const percent = Math.min(parseDecimal(percentage) ?? 0, 100);
  const defaultValue = Number.isInteger(percent)
    ? { numerator: percent, denominator: Denominator.HUNDRED }
    : { numerator: Math.round(percent * 10_000), denominator: Denominator.MILLION };
  action.requestMirrorPolicies.push(
    create(RouteAction_RequestMirrorPolicySchema, { cluster, runtimeFraction: { defaultValue } }),
  );
}

const redirectCodes = {
  301: RedirectCode.MOVED_PERMANENTLY,
  302: RedirectCode.FOUND,
  303: RedirectCode.SEE_OTHER,
  307: RedirectCode.TEMPORARY_REDIRECT,
  308: RedirectCode.PERMANENT_REDIRECT,
} as const;

/** The redirect among the filters; undefined when requests go to a cluster. */
export function redirectOf(filters: readonly HttpFilter[], part: PathPart): RedirectAction | undefined {
  const redirect = filters.find((filter) => filter.requestRedirect !== undefined)?.requestRedirect;
  if (redirect === undefined) return undefined;
  const { scheme, hostname, port, path, statusCode = 302 } = redirect;
  const action = create(RedirectActionSchema, {
    hostRedirect: hostname ?? '',
    portRedirect: port ?? 0,
    responseCode: redirectCodes[statusCode],
    stripQuery: true,
  });
  if (scheme !== undefined) action.schemeRewriteSpecifier = { case: 'schemeRedirect', value: scheme };
  const replacement = newPath(path);
  if (replacement !== undefined) {
    action.pathRewriteSpecifier = keepsRest(path, part)
      ? { case: 'prefixRewrite', value: newPrefix(replacement, part) }
      : { case: 'pathRedirect', value: replacement };
  }
  return action;
}
