// TrafficRoute, the older form, as far as it says where HTTP requests go: by its rules in the order in which they are written, and to its target
// what none of them takes.
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  HeaderValueOption_HeaderAppendAction as AppendAction,
  HeaderValueOptionSchema,
} from '@ursa/envoy/gen/envoy/config/core/v3/base_pb.ts';
import {
  type Route,
  RouteActionSchema,
  type RouteMatchSchema,
  RouteSchema,
} from '@ursa/envoy/gen/envoy/config/route/v3/route_components_pb.ts';
import type { OlderHttpRouting, ResolvedHttpRule } from '@ursa/policy';
import {
  type OlderHeaders,
  type OlderHttpRule,
  type OlderMatcher,
  type OlderReplacement,
  type OlderRouteConf,
  olderBackends,
  olderRouteType,
} from '../conf/older-route.ts';
import { header } from './envoy-match.ts';
import { clusterSpecifier } from './envoy-routes.ts';

/** The form. */
export const trafficRouteOfRequests: OlderHttpRouting = {
  type: olderRouteType,
  rulesOf(conf, called) {
    const { http = [], ...target } = conf as OlderRouteConf;
    const ruleOf = (rule: OlderHttpRule, everything: boolean) => ({
      hash: '',
      rule,
      backendRefs: olderBackends(rule, called),
      mirrorRefs: [],
      everything,
      origin: undefined,
    });
    return [...http.map((rule) => ruleOf(rule, false)), ruleOf(target, true)];
  },
  routesOf: (rules) => (rules as readonly ResolvedHttpRule<OlderHttpRule>[]).map(routeOf),
};

function routeOf({ name, rule, clusters }: ResolvedHttpRule<OlderHttpRule>): Route {
  const { path, host, requestHeaders, responseHeaders } = rule.modify ?? {};
  const action = create(RouteActionSchema, { clusterSpecifier: clusterSpecifier(clusters) });
  if (path?.rewritePrefix !== undefined) action.prefixRewrite = path.rewritePrefix;
  else if (path?.regex !== undefined)
    action.regexRewrite = create(RouteActionSchema, { regexRewrite: replacing(path.regex) }).regexRewrite;
  if (host?.value !== undefined) action.hostRewriteSpecifier = { case: 'hostRewriteLiteral', value: host.value };
  else if (host?.fromPath !== undefined) {
    const hostRewriteSpecifier = { case: 'hostRewritePathRegex', value: replacing(host.fromPath) } as const;
    action.hostRewriteSpecifier = create(RouteActionSchema, { hostRewriteSpecifier }).hostRewriteSpecifier;
  }
  return create(RouteSchema, {
    name,
    match: matchOf(rule.match ?? {}),
    action: { case: 'route', value: action },
    requestHeadersToAdd: headersToAdd(requestHeaders),
    requestHeadersToRemove: headersToRemove(requestHeaders),
    responseHeadersToAdd: headersToAdd(responseHeaders),
    responseHeadersToRemove: headersToRemove(responseHeaders),
  });
}

function matchOf({
  path,
  method,
  headers = {},
}: NonNullable<OlderHttpRule['match']>): MessageInitShape<typeof RouteMatchSchema> {
  const ofHeaders = Object.entries(headers).sort(([first], [second]) => (first < second ? -1 : 1));
  return {
    pathSpecifier: pathOf(path),
    headers: [...ofHeaders, ...(method === undefined ? [] : [[':method', method] as const])].map(([name, matcher]) =>
      header(name, patternOf(matcher)),
    ),
  };
}

/** A prefix is one of the text: `/a` takes `/ab`, too. */
function pathOf(
  path: OlderMatcher | undefined,
): NonNullable<MessageInitShape<typeof RouteMatchSchema>['pathSpecifier']> {
  if (path?.regex !== undefined) return { case: 'safeRegex', value: { regex: path.regex } };
  if (path?.exact !== undefined) return { case: 'path', value: path.exact };
  return { case: 'prefix', value: path?.prefix ?? '/' };
}

function patternOf({ exact, prefix, regex }: OlderMatcher): Parameters<typeof header>[1] {
  if (regex !== undefined) return { case: 'safeRegex', value: { regex } };
  return prefix === undefined ? { case: 'exact', value: exact ?? '' } : { case: 'prefix', value: prefix };
}

function replacing({ pattern = '', substitution = '' }: OlderReplacement) {
  return { pattern: { regex: pattern }, substitution };
}

function headersToAdd({ add = [] }: OlderHeaders = {}) {
  return add.map(({ name = '', value = '', append = false }) =>
    create(HeaderValueOptionSchema, {
      header: { key: name, value },
      appendAction: append ? AppendAction.APPEND_IF_EXISTS_OR_ADD : AppendAction.OVERWRITE_IF_EXISTS_OR_ADD,
    }),
  );
}

function headersToRemove({ remove = [] }: OlderHeaders = {}): string[] {
  return remove.map(({ name = '' }) => name);
}
