// Route configurations and the few route shapes that the skeletons need.
import { create } from '@bufbuild/protobuf';
import { type Route, RouteSchema } from '../gen/envoy/config/route/v3/route_components_pb.ts';
import { type RouteConfiguration, RouteConfigurationSchema } from '../gen/envoy/config/route/v3/route_pb.ts';
import { base64, sha256 } from './content-hash.ts';

/** One virtual host for all host names. `name` is left out where Envoy needs none. */
export function routeConfiguration(parts: {
  readonly name?: string;
  readonly virtualHost: string;
  readonly routes: readonly Route[];
  readonly removeRequestHeaders?: readonly string[];
}): RouteConfiguration {
  return create(RouteConfigurationSchema, {
    name: parts.name ?? '',
    validateClusters: false,
    requestHeadersToRemove: [...(parts.removeRequestHeaders ?? [])],
    virtualHosts: [{ name: parts.virtualHost, domains: ['*'], routes: [...parts.routes] }],
  });
}

/** Name of a route by what it matches: its JSON in the peer's field order, hashed (reference s10). */
export function routeName(matches: string): string {
  return base64(sha256(matches));
}

/** Name of the route that catches everything. */
export const catchAllRouteName = routeName('[{"path":{"value":"/","type":"PathPrefix"}}]');

/** Everything under a path to one cluster. */
export function prefixRoute(parts: {
  readonly prefix: string;
  readonly cluster: string;
  readonly name?: string;
  readonly prefixRewrite?: string;
}): Route {
  return create(RouteSchema, {
    name: parts.name ?? '',
    match: { pathSpecifier: { case: 'prefix', value: parts.prefix } },
    action: {
      case: 'route',
      value: {
        clusterSpecifier: { case: 'cluster', value: parts.cluster },
        prefixRewrite: parts.prefixRewrite ?? '',
      },
    },
  });
}
