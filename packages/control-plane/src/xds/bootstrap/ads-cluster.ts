// The two ways in which Envoy reaches the control plane: its own client with a cluster, or Google's with a token file.
import { isIP, isIPv6 } from 'node:net';

/** A part of Envoy's configuration in its JSON form. */
export type Document = { readonly [key: string]: unknown };

/** Where Envoy finds the control plane. */
export interface XdsTarget {
  readonly host: string;
  readonly port: number;
  /** As Envoy writes durations, `1s`. */
  readonly connectTimeout: string;
  readonly maxReceiveMessageBytes: number;
  /** PEM; what Envoy checks the control plane's certificate against. */
  readonly trustedCa: string;
}

/** Options of a cluster that speaks HTTP/2; the kernel finds a dead peer within 40 seconds. */
export const http2WithKeepAlive: Document = {
  typedExtensionProtocolOptions: {
    'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
      '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
      explicitHttpConfig: { http2ProtocolOptions: {} },
    },
  },
  upstreamConnectionOptions: { tcpKeepalive: { keepaliveInterval: 10, keepaliveProbes: 3, keepaliveTime: 10 } },
};

/** The cluster of the control plane. */
export function adsClusterOf(name: string, xds: XdsTarget): Document {
  const address = { socketAddress: { address: xds.host, portValue: xds.port } };
  return {
    name,
    type: isIP(xds.host) === 0 ? 'STRICT_DNS' : 'STATIC',
    connectTimeout: xds.connectTimeout,
    loadAssignment: { clusterName: name, endpoints: [{ lbEndpoints: [{ endpoint: { address } }] }] },
    transportSocket: {
      name: 'envoy.transport_sockets.tls',
      typedConfig: {
        '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext',
        sni: xds.host,
        commonTlsContext: {
          tlsParams: { tlsMinimumProtocolVersion: 'TLSv1_2' },
          validationContextSdsSecretConfig: { name: 'cp_validation_ctx' },
        },
      },
    },
    ...http2WithKeepAlive,
  };
}

/** Google's gRPC client, which reads the token from a file for every call, so that it can be renewed. */
export function googleGrpcService(tokenPath: string, xds: XdsTarget): Document {
  const plugin = 'envoy.grpc_credentials.file_based_metadata';
  const limits = {
    'grpc.http2.max_pings_without_data': '0',
    'grpc.keepalive_time_ms': '10000',
    'grpc.keepalive_timeout_ms': '30000',
    'grpc.max_receive_message_length': String(xds.maxReceiveMessageBytes),
  };
  return {
    targetUri: `${isIPv6(xds.host) ? `[${xds.host}]` : xds.host}:${xds.port}`,
    statPrefix: 'ads',
    credentialsFactoryName: plugin,
    callCredentials: [
      {
        fromPlugin: {
          name: plugin,
          typedConfig: {
            '@type': 'type.googleapis.com/envoy.config.grpc_credential.v3.FileBasedMetadataConfig',
            secretData: { filename: tokenPath },
          },
        },
      },
    ],
    channelArgs: { args: Object.fromEntries(Object.entries(limits).map(([key, intValue]) => [key, { intValue }])) },
    channelCredentials: {
      sslCredentials: { rootCerts: { inlineBytes: Buffer.from(xds.trustedCa).toString('base64') } },
    },
  };
}
