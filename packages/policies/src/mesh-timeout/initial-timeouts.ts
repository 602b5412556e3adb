// The timeouts that every new mesh starts with (reference s6).
import type { InitialPolicy } from '@ursa/policy';

const wholeMesh = { kind: 'Mesh' };

// Timeouts of the receiving side are twice those of the sending side, or off, so that the sender is the one that gives up.
const sidecars = {
  targetRef: { kind: 'Mesh', proxyTypes: ['Sidecar'] },
  to: [
    {
      targetRef: wholeMesh,
      default: {
        connectionTimeout: '5s',
        idleTimeout: '1h0m0s',
        http: { requestTimeout: '15s', streamIdleTimeout: '30m0s' },
      },
    },
  ],
  from: [
    {
      targetRef: wholeMesh,
      default: {
        connectionTimeout: '10s',
        idleTimeout: '2h0m0s',
        http: { requestTimeout: '0s', streamIdleTimeout: '1h0m0s', maxStreamDuration: '0s' },
      },
    },
  ],
};

const gateways = {
  targetRef: { kind: 'Mesh', proxyTypes: ['Gateway'] },
  to: [{ targetRef: wholeMesh, default: { idleTimeout: '1h0m0s', http: { streamIdleTimeout: '5s' } } }],
  from: [
    {
      targetRef: wholeMesh,
      default: { idleTimeout: '5m0s', http: { streamIdleTimeout: '5s', requestHeadersTimeout: '500ms' } },
    },
  ],
};

/** One policy for sidecars, one for gateways. */
export const initialTimeouts: readonly InitialPolicy[] = [
  { prefix: 'mesh-timeout-all', spec: sidecars },
  { prefix: 'mesh-gateways-timeout-all', spec: gateways },
];
