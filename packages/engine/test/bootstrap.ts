// A proxy's configuration as a bootstrap of its own, so that a real Envoy can judge it without a control plane.
import { resourceJson } from '@ursa/envoy';
import type { ProxyConfig } from '../src/index.ts';

/** A bootstrap with everything of the configuration in its static part. Endpoints and secrets still "come by ADS". */
export function bootstrapOf(config: ProxyConfig): object {
  const address = { socketAddress: { address: '127.0.0.1', portValue: 1 } };
  const ads = {
    name: 'ads',
    connectTimeout: '1s',
    type: 'STATIC',
    loadAssignment: { clusterName: 'ads', endpoints: [{ lbEndpoints: [{ endpoint: { address } }] }] },
    typedExtensionProtocolOptions: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
        '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
        explicitHttpConfig: { http2ProtocolOptions: {} },
      },
    },
  };
  const all = (type: 'cluster' | 'listener'): unknown[] => [...config.resources[type].values()].map(resourceJson);
  // Envoy 1.40 ends with a segmentation fault when it validates a cluster of this type whose secrets come by SDS; it runs one well (e2e/direct-access).
  const judged = (cluster: unknown): unknown => {
    const { transportSocket, ...rest } = cluster as { readonly type?: string; readonly transportSocket?: unknown };
    return rest.type === 'ORIGINAL_DST' || transportSocket === undefined ? rest : { ...rest, transportSocket };
  };
  return {
    node: { id: 'validated', cluster: 'validated' },
    dynamicResources: {
      adsConfig: { apiType: 'GRPC', transportApiVersion: 'V3', grpcServices: [{ envoyGrpc: { clusterName: 'ads' } }] },
    },
    staticResources: { clusters: [ads, ...all('cluster').map(judged)], listeners: all('listener') },
  };
}
