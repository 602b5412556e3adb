// One document of every type that a user can write, as they write it.

const anyService = [{ match: { 'kuma.io/service': '*' } }];
const connection = { sources: anyService, destinations: anyService };
const certificate = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';

/** Spec fields (inline types) or `spec` (newer types), by type. */
const specs: Readonly<Record<string, Record<string, unknown>>> = {
  AccessAudit: { rules: [{ types: ['Mesh'], mesh: 'default', access: ['CREATE', 'UPDATE'] }, { accessAll: true }] },
  AccessRole: {
    rules: [
      {
        types: ['MeshTimeout'],
        names: ['web'],
        mesh: 'default',
        access: ['CREATE', 'UPDATE'],
        when: [
          { targetRef: { kind: 'Mesh' }, to: { targetRef: { kind: 'MeshService', name: 'backend' } } },
          { sources: anyService[0], destinations: anyService[0] },
          { dpToken: { tags: [{ name: 'kuma.io/service', value: 'web' }] } },
        ],
      },
    ],
  },
  AccessRoleBinding: {
    subjects: [
      { type: 'User', name: 'jane' },
      { type: 'Group', name: 'team' },
    ],
    roles: ['admin'],
  },
  CircuitBreaker: { ...connection, conf: { interval: '5s', detectors: { totalErrors: { consecutive: 20 } } } },
  Dataplane: {
    networking: {
      address: '192.168.0.1',
      inbound: [
        {
          port: 8080,
          servicePort: 80,
          serviceAddress: '127.0.0.2',
          tags: { 'kuma.io/service': 'web', 'kuma.io/protocol': 'http' },
          serviceProbe: { interval: '10s', timeout: '2s', unhealthyThreshold: 3, healthyThreshold: 1, tcp: {} },
          name: 'http',
        },
      ],
      outbound: [
        { port: 10001, tags: { 'kuma.io/service': 'backend' } },
        { address: '127.0.0.3', port: 10002, backendRef: { kind: 'MeshService', name: 'redis', port: 6379 } },
      ],
      transparentProxying: {
        redirectPortInbound: 15006,
        redirectPortOutbound: 15001,
        reachableServices: ['backend'],
        reachableBackends: { refs: [{ kind: 'MeshService', name: 'backend', port: 80 }] },
      },
      admin: { port: 9901 },
    },
    metrics: { type: 'prometheus', conf: { port: 5670 } },
    probes: { port: 9000, endpoints: [{ inboundPort: 8080, inboundPath: '/health', path: '/8080/health' }] },
  },
  ExternalService: {
    networking: { address: 'example.com:443', tls: { enabled: true, allowRenegotiation: false } },
    tags: { 'kuma.io/service': 'example' },
  },
  FaultInjection: {
    sources: anyService,
    destinations: [{ match: { 'kuma.io/service': 'web', 'kuma.io/protocol': 'http' } }],
    conf: { abort: { httpStatus: 500, percentage: 50 }, delay: { percentage: 50.5, value: '5s' } },
  },
  GlobalSecret: { data: 'aGVsbG8=' },
  HealthCheck: {
    ...connection,
    conf: { interval: '10s', timeout: '2s', unhealthyThreshold: 3, healthyThreshold: 1, http: { path: '/' } },
  },
  HostnameGenerator: {
    selector: { meshService: { matchLabels: { team: 'a' } } },
    template: '{{ .DisplayName }}.{{ label "team" }}.mesh.local',
  },
  Mesh: {
    mtls: {
      enabledBackend: 'ca-1',
      backends: [
        {
          name: 'ca-1',
          type: 'builtin',
          mode: 'PERMISSIVE',
          dpCert: { rotation: { expiration: '1d' } },
          conf: { caCert: { RSAbits: 2048, expiration: '10y' } },
        },
      ],
    },
    logging: { defaultBackend: 'file', backends: [{ name: 'file', type: 'file', conf: { path: '/tmp/access.log' } }] },
    tracing: {
      backends: [
        { name: 'zipkin', type: 'zipkin', sampling: 50, conf: { url: 'http://zipkin.local:9411/api/v2/spans' } },
      ],
    },
    metrics: { enabledBackend: 'prom', backends: [{ name: 'prom', type: 'prometheus', conf: { skipMTLS: false } }] },
    networking: { outbound: { passthrough: false } },
    routing: { localityAwareLoadBalancing: true },
    constraints: { dataplaneProxy: { requirements: [{ tags: { 'kuma.io/zone': '*' } }] } },
    skipCreatingInitialPolicies: ['*'],
    meshServices: { mode: 'Exclusive' },
  },
  MeshExternalService: {
    match: { type: 'HostnameGenerator', port: 443, protocol: 'http' },
    endpoints: [{ address: 'example.com', port: 443 }],
    tls: { enabled: true, allowRenegotiation: false, version: { min: 'TLS12' }, verification: { mode: 'SkipCA' } },
  },
  MeshGateway: {
    selectors: [{ match: { 'kuma.io/service': 'edge' } }],
    conf: {
      listeners: [
        {
          port: 443,
          protocol: 'HTTPS',
          tls: { mode: 'TERMINATE', certificates: [{ secret: 'cert' }] },
          tags: { port: 'http/443' },
        },
      ],
    },
  },
  MeshGatewayRoute: {
    selectors: [{ match: { 'kuma.io/service': 'edge' } }],
    conf: {
      http: {
        rules: [
          {
            matches: [{ path: { match: 'PREFIX', value: '/' } }],
            backends: [{ weight: 1, destination: { 'kuma.io/service': 'web' } }],
          },
        ],
      },
    },
  },
  MeshIdentity: {
    selector: { dataplane: { matchLabels: { app: 'web' } } },
    spiffeID: { trustDomain: '{{ .Mesh }}.mesh.local', path: '/app/{{ label "app" }}' },
    provider: {
      type: 'Bundled',
      bundled: { autogenerate: { enabled: true }, certificateParameters: { expiry: '24h0m0s' } },
    },
  },
  MeshMultiZoneService: {
    selector: { meshService: { matchLabels: { 'kuma.io/display-name': 'web' } } },
    ports: [{ port: 80, appProtocol: 'http' }],
  },
  MeshOpenTelemetryBackend: { endpoint: { address: 'otel.local', port: 4317 }, protocol: 'grpc' },
  MeshService: {
    state: 'Unavailable',
    selector: { dataplaneTags: { app: 'web' } },
    ports: [{ name: 'http', port: 80, targetPort: 8080, appProtocol: 'http' }],
  },
  MeshTrust: { trustDomain: 'example.org', caBundles: [{ type: 'Pem', pem: { value: certificate } }] },
  MeshZoneAddress: { address: 'ingress.example.org', port: 10001 },
  ProxyTemplate: {
    selectors: [{ match: { 'kuma.io/service': 'web' } }],
    conf: { imports: ['default-proxy'], modifications: [{ cluster: { operation: 'remove', match: { name: 'x' } } }] },
  },
  RateLimit: { ...connection, conf: { http: { requests: 10, interval: '10s' } } },
  Retry: { ...connection, conf: { http: { numRetries: 5, perTryTimeout: '0.200s', retriableMethods: ['GET'] } } },
  Secret: { data: 'aGVsbG8=' },
  Timeout: { ...connection, conf: { connectTimeout: '10s', http: { requestTimeout: '15s' } } },
  TrafficLog: { ...connection, conf: { backend: 'file' } },
  TrafficPermission: connection,
  TrafficRoute: { ...connection, conf: { destination: { 'kuma.io/service': '*' }, loadBalancer: { roundRobin: {} } } },
  TrafficTrace: { selectors: anyService, conf: { backend: 'zipkin' } },
  VirtualOutbound: {
    selectors: anyService,
    conf: {
      host: '{{.service}}.mesh',
      port: '8080',
      parameters: [{ name: 'service', tagKey: 'kuma.io/service' }],
    },
  },
  Workload: {},
  Zone: { enabled: false },
  ZoneEgress: { networking: { address: '10.0.0.1', port: 10002 } },
  ZoneIngress: {
    networking: { address: '10.0.0.1', port: 10001, advertisedAddress: 'ingress.example.org', advertisedPort: 10001 },
  },
};

/** The types that have an example. */
export const exampleTypes = Object.keys(specs);

/** A fresh copy of the example of a type, with an envelope. */
export function exampleOf(
  type: string,
  specForm: 'inline' | 'nested',
  scope: 'Mesh' | 'Global',
): Record<string, unknown> {
  const spec = structuredClone(specs[type] ?? {});
  const envelope = { type, ...(scope === 'Mesh' ? { mesh: 'default' } : {}), name: 'example', labels: { team: 'a' } };
  return specForm === 'inline' ? { ...envelope, ...spec } : { ...envelope, spec };
}
