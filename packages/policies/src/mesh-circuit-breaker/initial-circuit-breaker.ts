// The limits of connections that every new mesh starts with (reference s6).
import type { InitialPolicy } from '@ursa/policy';

const wholeMesh = { kind: 'Mesh' };
const connectionLimits = { maxConnections: 1024, maxPendingRequests: 1024, maxRetries: 3, maxRequests: 1024 };

/** Envoy's own limits, written down so that users see them. */
export const initialCircuitBreaker: readonly InitialPolicy[] = [
  {
    prefix: 'mesh-circuit-breaker-all',
    spec: { targetRef: wholeMesh, to: [{ targetRef: wholeMesh, default: { connectionLimits } }] },
  },
];
