// The route that takes a request, read from the listener as the client's proxy gets it.
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import { decodeResource, type EnvoyResource } from '@ursa/envoy';
import type { Route } from '@ursa/envoy/gen/envoy/config/route/v3/route_components_pb.ts';
import { HttpConnectionManagerSchema } from '@ursa/envoy/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts';

/** The HTTP routes of a listener, in their order; undefined when it serves no HTTP. */
export function routesIn(listener: EnvoyResource): readonly Route[] | undefined {
  const message = decodeResource({ ...listener, type: 'listener' });
  for (const { filters } of message.filterChains) {
    for (const { configType } of filters) {
      const manager =
        configType.case === 'typedConfig' ? anyUnpack(configType.value, HttpConnectionManagerSchema) : undefined;
      if (manager?.routeSpecifier.case === 'routeConfig') {
        return manager.routeSpecifier.value.virtualHosts.flatMap((virtualHost) => virtualHost.routes);
      }
    }
  }
  return undefined;
}

/** Clusters of a route with their weights; none for a redirect or an answer of Envoy's own. */
export function clustersOf({ action }: Route): readonly { readonly name: string; readonly weight: number }[] {
  if (action.case !== 'route') return [];
  const { clusterSpecifier } = action.value;
  if (clusterSpecifier.case === 'cluster') return [{ name: clusterSpecifier.value, weight: 1 }];
  if (clusterSpecifier.case !== 'weightedClusters') return [];
  return clusterSpecifier.value.clusters.map((share) => ({ name: share.name, weight: Number(share.weight ?? 0) }));
}

/** What a route matches, in few words. */
export function describeMatch({ match }: Route): string {
  if (match === undefined) return 'everything';
  const { pathSpecifier, headers, queryParameters } = match;
  const path =
    pathSpecifier.case === 'safeRegex'
      ? `path ~ ${pathSpecifier.value.regex}`
      : pathSpecifier.case === 'prefix' || pathSpecifier.case === 'path'
        ? `${pathSpecifier.case} ${pathSpecifier.value}`
        : 'any path';
  const more = [...headers.map(({ name }) => name), ...queryParameters.map(({ name }) => `?${name}`)];
  return more.length === 0 ? path : `${path} with ${more.join(', ')}`;
}
