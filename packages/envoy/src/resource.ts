// An encoded Envoy resource: made once, frozen, its bytes shared by every proxy that gets it.

/** Envoy's resource types that we serve, in our short words. */
export type EnvoyType = 'cluster' | 'endpoint' | 'listener' | 'route' | 'secret' | 'runtime';

/** Type URLs by short word. */
export const typeUrls: Readonly<Record<EnvoyType, string>> = {
  cluster: 'type.googleapis.com/envoy.config.cluster.v3.Cluster',
  endpoint: 'type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment',
  listener: 'type.googleapis.com/envoy.config.listener.v3.Listener',
  route: 'type.googleapis.com/envoy.config.route.v3.RouteConfiguration',
  secret: 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret',
  runtime: 'type.googleapis.com/envoy.service.runtime.v3.Runtime',
};

/**
 * What a resource is there for (reference s10): MeshProxyPatch selects by it. What a policy adds besides has the policy's own origin, such as
 * `mesh-trace`.
 */
export type Origin =
  | 'admin'
  | 'direct-access'
  | 'dns'
  | 'dynamic-config'
  | 'inbound'
  | 'outbound'
  | 'prometheus'
  | 'secrets'
  | 'transparent'
  | (string & {});

/** One resource, ready to send. Equal content has an equal version; the encoder returns the same object for the same bytes. */
export interface EnvoyResource {
  readonly type: EnvoyType;
  readonly name: string;
  readonly origin: Origin;
  /** Content hash: the delta protocol's resource version. */
  readonly version: string;
  /** The serialized message, without the Any around it. */
  readonly bytes: Uint8Array;
}
