// Envoy resources made by hand for tests of the xDS server: a listener that leads to clusters whose endpoints come over EDS.
import { create, type DescMessage, type MessageShape } from '@bufbuild/protobuf';
import { anyPack } from '@bufbuild/protobuf/wkt';
import type { EnvoyResource, EnvoyType } from '@ursa/envoy';
import { Cluster_DiscoveryType, ClusterSchema } from '../../../envoy/gen/envoy/config/cluster/v3/cluster_pb.ts';
import { ClusterLoadAssignmentSchema } from '../../../envoy/gen/envoy/config/endpoint/v3/endpoint_pb.ts';
import { ListenerSchema } from '../../../envoy/gen/envoy/config/listener/v3/listener_pb.ts';
import { RouteConfigurationSchema } from '../../../envoy/gen/envoy/config/route/v3/route_pb.ts';
import { RouterSchema } from '../../../envoy/gen/envoy/extensions/filters/http/router/v3/router_pb.ts';
import { HttpConnectionManagerSchema } from '../../../envoy/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts';
import { encodeResource } from '../../../envoy/src/encode.ts';
import type { ProxyResources } from '../../src/xds/push-sequence.ts';

const ads = { configSourceSpecifier: { case: 'ads', value: {} }, resourceApiVersion: 2 } as const;
const seconds = (count: number) => ({ seconds: BigInt(count) });
const socket = (address: string, port: number) =>
  ({
    address: { case: 'socketAddress', value: { address, portSpecifier: { case: 'portValue', value: port } } },
  }) as const;
const packed = <Schema extends DescMessage>(schema: Schema, message: MessageShape<Schema>) =>
  ({ case: 'typedConfig', value: anyPack(schema, message) }) as const;

/** An EDS cluster; the timeout makes a second version of it. */
export function edsCluster(name: string, timeoutSeconds = 5): EnvoyResource {
  return encodeResource(
    'cluster',
    create(ClusterSchema, {
      name,
      clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.EDS },
      edsClusterConfig: { edsConfig: ads },
      connectTimeout: seconds(timeoutSeconds),
    }),
    'outbound',
  );
}

/** Endpoints on 127.0.0.1. */
export function endpointsOf(cluster: string, ports: readonly number[]): EnvoyResource {
  return encodeResource(
    'endpoint',
    create(ClusterLoadAssignmentSchema, {
      clusterName: cluster,
      endpoints: [
        {
          lbEndpoints: ports.map((port) => ({
            hostIdentifier: { case: 'endpoint', value: { address: socket('127.0.0.1', port) } } as const,
          })),
        },
      ],
    }),
    'outbound',
  );
}

/** A listener whose routes come over RDS under the same name. */
export function httpListener(name: string, port: number, statPrefix = 'outbound'): EnvoyResource {
  const manager = create(HttpConnectionManagerSchema, {
    statPrefix,
    routeSpecifier: { case: 'rds', value: { configSource: ads, routeConfigName: name } },
    httpFilters: [{ name: 'envoy.filters.http.router', configType: packed(RouterSchema, create(RouterSchema)) }],
  });
  const filter = {
    name: 'envoy.filters.network.http_connection_manager',
    configType: packed(HttpConnectionManagerSchema, manager),
  };
  return encodeResource(
    'listener',
    create(ListenerSchema, { name, address: socket('127.0.0.1', port), filterChains: [{ filters: [filter] }] }),
    'outbound',
  );
}

/** Routes everything to one cluster. */
export function routeTo(name: string, cluster: string): EnvoyResource {
  return encodeResource(
    'route',
    create(RouteConfigurationSchema, {
      name,
      virtualHosts: [
        {
          name: 'all',
          domains: ['*'],
          routes: [
            {
              match: { pathSpecifier: { case: 'prefix', value: '/' } },
              action: { case: 'route', value: { clusterSpecifier: { case: 'cluster', value: cluster } } },
            },
          ],
        },
      ],
    }),
    'outbound',
  );
}

/** Puts resources into the form a proxy's configuration has. */
export function configurationOf(...resources: readonly EnvoyResource[]): ProxyResources {
  const byType = (type: EnvoyType) =>
    new Map(resources.filter((resource) => resource.type === type).map((resource) => [resource.name, resource]));
  return {
    cluster: byType('cluster'),
    endpoint: byType('endpoint'),
    listener: byType('listener'),
    route: byType('route'),
    secret: byType('secret'),
    runtime: byType('runtime'),
  };
}
