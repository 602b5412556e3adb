// Logs of single routes. Envoy's loggers hang at the whole chain, so a request has to carry the name of its route when it is logged: a script copies the
// name from the route's metadata to the request's, and loggers filter by it. Names of metadata and script are the peers' (golden set `envoyconfig-sidecars`).
import { create } from '@bufbuild/protobuf';
import { type FilterChainDraft, httpFilter, metadataOf, pack } from '@ursa/envoy';
import { type AccessLogFilter, AccessLogFilterSchema } from '@ursa/envoy/gen/envoy/config/accesslog/v3/accesslog_pb.ts';
import { DataSourceSchema } from '@ursa/envoy/gen/envoy/config/core/v3/base_pb.ts';
import type { Route } from '@ursa/envoy/gen/envoy/config/route/v3/route_components_pb.ts';
import { LuaSchema } from '@ursa/envoy/gen/envoy/extensions/filters/http/lua/v3/lua_pb.ts';

const scriptName = 'envoy.filters.http.lua';
const key = 'route_kri';
const script = `function envoy_on_request(handle)
  local meta = handle:metadata():get("${key}")
  if meta ~= nil then
    handle:streamInfo():dynamicMetadata():set("kuma.routes", "${key}", meta)
  end
end
`;

/** Lets requests of the route carry its name. True when another route of the chain has that name already, so that it is logged. */
export function markRoute({ terminal }: FilterChainDraft, route: Route): boolean {
  if (terminal.kind !== 'http') return true;
  const others = terminal.routes.virtualHosts.flatMap(({ routes }) => routes).filter((other) => other !== route);
  const isMarked = (other: Route): boolean => other.metadata?.filterMetadata[scriptName]?.[key] !== undefined;
  if (!others.some(isMarked)) {
    const defaultSourceCode = create(DataSourceSchema, { specifier: { case: 'inlineString', value: script } });
    const filter = httpFilter(scriptName, pack(LuaSchema, create(LuaSchema, { defaultSourceCode })));
    terminal.httpFilters.push({ stage: 'accessLog', filter });
  }
  const existing = route.metadata?.filterMetadata ?? {};
  route.metadata = metadataOf({ ...existing, [scriptName]: { [key]: route.name } });
  return others.some((other) => isMarked(other) && other.name === route.name);
}

type Pattern = { case: 'nullMatch'; value: object } | { case: 'stringMatch'; value: object };

function byRoute(matchPattern: Pattern, matchIfKeyNotFound: boolean): AccessLogFilter {
  const path = [{ segment: { case: 'key' as const, value: key } }];
  const matcher = { filter: 'kuma.routes', path, value: { matchPattern } };
  return create(AccessLogFilterSchema, {
    filterSpecifier: { case: 'metadataFilter', value: { matcher, matchIfKeyNotFound } },
  });
}

/** Requests of the route. */
export function onlyRoute(name: string): AccessLogFilter {
  return byRoute({ case: 'stringMatch', value: { matchPattern: { case: 'exact', value: name } } }, false);
}

/** Requests of no route that has a log of its own. */
export function withoutRouteLog(): AccessLogFilter {
  return byRoute({ case: 'nullMatch', value: {} }, true);
}
