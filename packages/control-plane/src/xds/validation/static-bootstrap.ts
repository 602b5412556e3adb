// A proxy's configuration as a bootstrap of its own, so that an Envoy can judge it alone. Endpoints and secrets still "come by ADS".
import type { ProxyConfig } from '@ursa/engine';
import { type EnvoyType, resourceJson } from '@ursa/envoy';

const ads = {
  name: 'validation_ads',
  connectTimeout: '1s',
  type: 'STATIC',
  typedExtensionProtocolOptions: {
    'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
      '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
      explicitHttpConfig: { http2ProtocolOptions: {} },
    },
  },
};

/** The bootstrap. Files that access logs go to are replaced: an Envoy that only judges would open them, on this host. */
export function staticBootstrap(config: ProxyConfig): object {
  const all = (type: EnvoyType) =>
    [...config.resources[type].values()].map((resource) => quiet(resourceJson(resource)));
  const grpcServices = [{ envoyGrpc: { clusterName: ads.name } }];
  return {
    node: { id: 'validated', cluster: 'validated' },
    dynamicResources: { adsConfig: { apiType: 'GRPC', transportApiVersion: 'V3', grpcServices } },
    staticResources: { clusters: [ads, ...all('cluster')], listeners: all('listener') },
  };
}

function quiet(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(quiet);
  if (typeof value !== 'object' || value === null) return value;
  const object: Record<string, unknown> = {};
  for (const [key, part] of Object.entries(value)) object[key] = quiet(part);
  if (String(object['@type']).endsWith('.FileAccessLog')) object.path = '/dev/null';
  return object;
}
