// MeshRetry: which failed requests and connections a client's proxy tries again.
import { defineProxyPolicy } from '@ursa/policy';
import { checkRetry } from './check-retry.ts';
import { initialRetry } from './initial-retry.ts';
import { retryConf } from './retry-conf.ts';
import { grpcRetryPolicy, httpRetryPolicy } from './retry-policy.ts';

/** The policy. */
export const meshRetry = defineProxyPolicy({
  name: 'MeshRetry',
  shortName: 'mr',
  summary: 'Tries failed requests and connections again.',
  initial: initialRetry,
  targetRef: ['Mesh', 'Dataplane', 'MeshSubset', 'MeshGateway', 'MeshService', 'MeshServiceSubset', 'MeshHTTPRoute'],
  to: ['Mesh', 'MeshService', 'MeshExternalService', 'MeshMultiZoneService', 'MeshHTTPRoute'],
  conf: retryConf,
  gatewayListenerTags: true,
  toKinds: ({ kind }) => {
    if (kind === 'MeshHTTPRoute') return ['Mesh'];
    if (kind === 'MeshGateway') return ['Mesh', 'MeshExternalService'];
    return ['Mesh', 'MeshService', 'MeshExternalService', 'MeshMultiZoneService', 'MeshHTTPRoute'];
  },
  checkConf: checkRetry,
  effectiveOn: { http: ['http'], grpc: ['grpc'], tcp: ['tcp'] },
  apply: {
    outbound({ chains, protocol }, { tcp }) {
      if (protocol !== 'tcp' || tcp?.maxConnectAttempt === undefined) return;
      for (const { terminal } of chains) {
        if (terminal.kind === 'tcp') terminal.proxy.maxConnectAttempts = tcp.maxConnectAttempt;
      }
    },
    route({ route, protocol }, { http, grpc }) {
      if (route.action.case !== 'route') return;
      // The peers retry HTTP/1 and gRPC; requests to services marked http2 are left alone.
      const policy =
        protocol === 'http' && http !== undefined
          ? httpRetryPolicy(http)
          : protocol === 'grpc' && grpc !== undefined
            ? grpcRetryPolicy(grpc)
            : undefined;
      if (policy !== undefined) route.action.value.retryPolicy = policy;
    },
  },
});
