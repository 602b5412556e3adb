// The retries that every new mesh starts with (reference s6).
import type { InitialPolicy } from '@ursa/policy';

const wholeMesh = { kind: 'Mesh' };
const requests = { numRetries: 5, perTryTimeout: '16s', backOff: { baseInterval: '25ms', maxInterval: '250ms' } };

/** A failed attempt is tried again, up to five times. */
export const initialRetry: readonly InitialPolicy[] = [
  {
    prefix: 'mesh-retry-all',
    spec: {
      targetRef: wholeMesh,
      to: [{ targetRef: wholeMesh, default: { tcp: { maxConnectAttempt: 5 }, http: requests, grpc: requests } }],
    },
  },
];
