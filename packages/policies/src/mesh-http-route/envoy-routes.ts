// Envoy's routes for the rules of a destination: one for each match, the narrower ones first.
import { create } from '@bufbuild/protobuf';
import {
  type Route,
  RouteActionSchema,
  RouteSchema,
  WeightedClusterSchema,
} from '@ursa/envoy/gen/envoy/config/route/v3/route_components_pb.ts';
import type { ResolvedHttpRule, WeightedCluster } from '@ursa/policy';
import { applyFilters, redirectOf } from './envoy-filters.ts';
import { type PathPart, pathParts, routeMatch } from './envoy-match.ts';
import type { HttpMatch, HttpRule } from './http-route-conf.ts';
import { withOwnPart } from './own-part.ts';

type Rule = ResolvedHttpRule<HttpRule>;

/** Routes in the order in which Envoy tries them. */
export function envoyRoutes(rules: readonly Rule[]): readonly Route[] {
  return rules
    .flatMap((rule) => rule.rule.matches.map((match) => ({ rule, match })))
    .sort((first, second) => compareMatches(first.match, second.match))
    .flatMap(({ rule, match }) => pathParts(match.path).map((part) => routeOf(rule, match, part)));
}

/** True for the match that all requests have, when it is written as such. */
export function matchesEverything({ path, method, headers = [], queryParams = [] }: HttpMatch): boolean {
  const everyPath = path?.type === 'PathPrefix' && path.value === '/';
  return everyPath && method === undefined && headers.length === 0 && queryParams.length === 0;
}

const pathRanks = ['Exact', 'PathPrefix', 'RegularExpression'];

// Of two paths of one kind the longer is narrower; then a method, then more headers, then more query parameters.
function compareMatches(first: HttpMatch, second: HttpMatch): number {
  return (
    pathRank(first) - pathRank(second) ||
    (second.path?.value.length ?? 0) - (first.path?.value.length ?? 0) ||
    count(second.method) - count(first.method) ||
    (second.headers?.length ?? 0) - (first.headers?.length ?? 0) ||
    (second.queryParams?.length ?? 0) - (first.queryParams?.length ?? 0)
  );
}

function pathRank({ path }: HttpMatch): number {
  return path === undefined ? pathRanks.length : pathRanks.indexOf(path.type);
}

function count(value: unknown): number {
  return value === undefined ? 0 : 1;
}

function routeOf({ name, rule, clusters, mirrors }: Rule, match: HttpMatch, part: PathPart): Route {
  const filters = (rule.default.filters ?? []).map(withOwnPart);
  const route = create(RouteSchema, { name, match: routeMatch(match, part) });
  const redirect = redirectOf(filters, part);
  if (redirect !== undefined) {
    route.action = { case: 'redirect', value: redirect };
  } else {
    route.action = {
      case: 'route',
      value: create(RouteActionSchema, { clusterSpecifier: clusterSpecifier(clusters) }),
    };
  }
  applyFilters(route, filters, part, mirrors);
  return route;
}

/** Where a route goes. */
export function clusterSpecifier(clusters: readonly WeightedCluster[]) {
  const [only, ...others] = clusters;
  if (others.length === 0) return { case: 'cluster' as const, value: only?.name ?? '' };
  return { case: 'weightedClusters' as const, value: create(WeightedClusterSchema, { clusters: [...clusters] }) };
}
