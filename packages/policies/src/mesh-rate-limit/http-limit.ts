// The limit on requests: a token bucket in Envoy's HTTP filter, for all clients on the routes, or for some of them in a filter of their own.
import { create } from '@bufbuild/protobuf';
import { clientFilter, durationOf, type FilterClients, type HttpTerminal, httpFilter, pack } from '@ursa/envoy';
import {
  HeaderValueOption_HeaderAppendAction,
  HeaderValueOptionSchema,
} from '@ursa/envoy/gen/envoy/config/core/v3/base_pb.ts';
import {
  type LocalRateLimit,
  LocalRateLimitSchema,
} from '@ursa/envoy/gen/envoy/extensions/filters/http/local_ratelimit/v3/local_rate_limit_pb.ts';
import { StatusCode } from '@ursa/envoy/gen/envoy/type/v3/http_status_pb.ts';
import type { PolicyHead } from '@ursa/policy';
import { formatKri, parseDuration } from '@ursa/resources';
import type { ClientRule } from '../conf/client-rules.ts';
import type { Rate, RateLimitConf, RequestLimit } from './mesh-rate-limit.ts';

const filterName = 'envoy.filters.http.local_ratelimit';
const statPrefix = 'rate_limit';

/** Tokens for one interval, filled at its end. */
export function tokenBucket({ num, interval }: Rate) {
  return { maxTokens: num, tokensPerFill: num, fillInterval: durationOf(parseDuration(interval) ?? 0) };
}

/**
 * Limits the requests of a chain. `clients` come first to last, narrower matches first: a client that one of them selects is counted
 * there and nowhere else, also when that switches the limit off.
 */
export function limitRequests(
  terminal: HttpTerminal,
  mesh: string,
  all: RequestLimit | undefined,
  clients: readonly ClientRule<RateLimitConf>[],
): void {
  if (clients.length === 0) {
    limitRoutes(terminal, all);
    return;
  }
  for (const [position, { match, conf, origin }] of clients.entries()) {
    const except = clients.slice(0, position).map((client) => client.match);
    addFilter(terminal, kriOfPolicy(origin, position), conf.local?.http, { mesh, only: match, except });
  }
  addFilter(terminal, filterName, all, { mesh, except: clients.map(({ match }) => match) });
}

function limitRoutes(terminal: HttpTerminal, limit: RequestLimit | undefined): void {
  const enforced = localRateLimit(limit);
  if (enforced === undefined) return;
  // Without a bucket the filter counts nothing; each route brings its own.
  const idle = pack(LocalRateLimitSchema, create(LocalRateLimitSchema, { statPrefix }));
  terminal.httpFilters.push({ stage: 'rateLimit', filter: httpFilter(filterName, idle) });
  const perRoute = pack(LocalRateLimitSchema, enforced);
  for (const { routes } of terminal.routes.virtualHosts) {
    for (const route of routes) route.typedPerFilterConfig[filterName] = perRoute;
  }
}

function addFilter(
  terminal: HttpTerminal,
  name: string,
  limit: RequestLimit | undefined,
  selected: FilterClients,
): void {
  const enforced = localRateLimit(limit);
  if (enforced === undefined) return;
  const whole = httpFilter(filterName, pack(LocalRateLimitSchema, enforced));
  const filter = clientFilter(name, whole, selected);
  if (filter !== undefined) terminal.httpFilters.push({ stage: 'rateLimit', filter });
}

function localRateLimit(limit: RequestLimit | undefined): LocalRateLimit | undefined {
  if (limit === undefined || limit.disabled === true || limit.requestRate === undefined) return undefined;
  const { status, headers } = limit.onRateLimit ?? {};
  const code = Object.values(StatusCode).find((known) => known === status && known !== StatusCode.Empty);
  return create(LocalRateLimitSchema, {
    statPrefix,
    // Envoy refuses codes that it does not know; without one it answers 429.
    ...(code === undefined ? {} : { status: { code } }),
    tokenBucket: tokenBucket(limit.requestRate),
    filterEnabled: { defaultValue: { numerator: 100 }, runtimeKey: 'local_rate_limit_enabled' },
    filterEnforced: { defaultValue: { numerator: 100 }, runtimeKey: 'local_rate_limit_enforced' },
    responseHeadersToAdd: [
      ...(headers?.add ?? []).map(({ name, value }) => headerOption(name, value, 'APPEND_IF_EXISTS_OR_ADD')),
      ...(headers?.set ?? []).map(({ name, value }) => headerOption(name, value, 'OVERWRITE_IF_EXISTS_OR_ADD')),
    ],
  });
}

function headerOption(key: string, value: string, append: keyof typeof HeaderValueOption_HeaderAppendAction) {
  return create(HeaderValueOptionSchema, {
    header: { key, value },
    appendAction: HeaderValueOption_HeaderAppendAction[append],
  });
}

// Filters of one chain need names of their own; the policy's tells where the limit comes from.
function kriOfPolicy({ mesh, zone, namespace, displayName }: PolicyHead, position: number): string {
  return formatKri({ type: 'mrl', mesh, zone, namespace, name: displayName, section: `client-${position}` });
}
