// The policies every new mesh starts with (reference s6): pure data, unless the mesh says `skipCreatingInitialPolicies`.
import type { ResourceDraft } from '@ursa/resources';

/** What decides which policies a mesh starts with. */
export interface InitialPolicyOptions {
  /** Types to leave out; `*` leaves out all. */
  readonly skipped: readonly string[];
  /** Also the TrafficPermission and TrafficRoute that older versions made with each mesh. */
  readonly routing: boolean;
}

const wholeMesh = { kind: 'Mesh' };
const sidecars = { kind: 'Mesh', proxyTypes: ['Sidecar'] };
const gateways = { kind: 'Mesh', proxyTypes: ['Gateway'] };
const everyService = { 'kuma.io/service': '*' };

// Timeouts of the receiving side are twice those of the sending side, or off, so that the sender is the one that gives up.
const sidecarTimeouts = {
  targetRef: sidecars,
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

const gatewayTimeouts = {
  targetRef: gateways,
  to: [{ targetRef: wholeMesh, default: { idleTimeout: '1h0m0s', http: { streamIdleTimeout: '5s' } } }],
  from: [
    {
      targetRef: wholeMesh,
      default: { idleTimeout: '5m0s', http: { streamIdleTimeout: '5s', requestHeadersTimeout: '500ms' } },
    },
  ],
};

const circuitBreaker = {
  targetRef: wholeMesh,
  to: [
    {
      targetRef: wholeMesh,
      default: {
        connectionLimits: { maxConnections: 1024, maxPendingRequests: 1024, maxRetries: 3, maxRequests: 1024 },
      },
    },
  ],
};

const requestRetry = { numRetries: 5, perTryTimeout: '16s', backOff: { baseInterval: '25ms', maxInterval: '250ms' } };
const retry = {
  targetRef: wholeMesh,
  to: [{ targetRef: wholeMesh, default: { tcp: { maxConnectAttempt: 5 }, http: requestRetry, grpc: requestRetry } }],
};

const trafficPermission = { sources: [{ match: everyService }], destinations: [{ match: everyService }] };
const trafficRoute = {
  sources: [{ match: everyService }],
  destinations: [{ match: everyService }],
  conf: { loadBalancer: { roundRobin: {} }, destination: everyService },
};

/** The policies of a new mesh, without the labels that the control plane computes. */
export function initialPolicies(mesh: string, options: InitialPolicyOptions): readonly ResourceDraft[] {
  const policy = (type: string, prefix: string, spec: unknown): ResourceDraft => ({
    type,
    mesh,
    name: `${prefix}-${mesh}`,
    labels: {},
    spec,
  });
  const all = [
    policy('MeshTimeout', 'mesh-timeout-all', sidecarTimeouts),
    policy('MeshTimeout', 'mesh-gateways-timeout-all', gatewayTimeouts),
    policy('MeshCircuitBreaker', 'mesh-circuit-breaker-all', circuitBreaker),
    policy('MeshRetry', 'mesh-retry-all', retry),
  ];
  if (options.routing) {
    all.push(
      policy('TrafficPermission', 'allow-all', trafficPermission),
      policy('TrafficRoute', 'route-all', trafficRoute),
    );
  }
  return options.skipped.includes('*') ? [] : all.filter(({ type }) => !options.skipped.includes(type));
}
