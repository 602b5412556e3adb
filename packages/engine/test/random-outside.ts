// Random services outside of the mesh, egresses and secrets, for the guard "incremental = from scratch".
import fc from 'fast-check';

const meshes = ['one', 'two'] as const;
/** Services outside; one has the name of a service inside, so that either can take its place. */
const outside = ['ext', 'web'] as const;

/** Names of egresses. */
export const egressNames = ['e1', 'e2'] as const;

const mesh = fc.constantFrom(...meshes);
const name = fc.constantFrom('x1', 'x2');
const protocol = fc.constantFrom('http', 'tcp', 'grpc', 'http2');
const address = fc.constantFrom('10.9.9.9', 'a.example', 'b.example', '2001:db8::9');

const meshExternalService = fc
  .record({
    mesh,
    name,
    protocol,
    addresses: fc.uniqueArray(address, { minLength: 1 }),
    priority: fc.constantFrom(0, 7),
    mode: fc.constantFrom(undefined, 'Secured', 'SkipSAN', 'SkipCA', 'SkipAll'),
    caCert: fc.constantFrom(undefined, { secret: 'ca' }, { inlineString: 'PEM' }),
  })
  .map(({ protocol: spoken, addresses, priority, mode, caCert, ...key }) => ({
    type: 'MeshExternalService',
    ...key,
    spec: {
      match: { port: 443, protocol: spoken },
      endpoints: addresses.map((each, position) => ({ address: each, port: 443, priority: position * priority })),
      ...(mode === undefined
        ? {}
        : { tls: { enabled: true, verification: { mode, ...(caCert === undefined ? {} : { caCert }) } } }),
    },
  }));

const externalService = fc
  .record({
    mesh,
    name,
    service: fc.constantFrom(...outside),
    protocol,
    address,
    tls: fc.boolean(),
    away: fc.boolean(),
  })
  .map(({ service, protocol: spoken, address: host, tls, away, ...key }) => ({
    type: 'ExternalService',
    ...key,
    tags: {
      'kuma.io/service': service,
      'kuma.io/protocol': spoken,
      ...(away ? { 'kuma.io/zone': 'elsewhere' } : {}),
    },
    networking: {
      address: host.includes(':') ? `[${host}]:443` : `${host}:443`,
      ...(tls ? { tls: { enabled: true, caCert: { secret: 'ca' } } } : {}),
    },
  }));

const egress = fc
  .record({
    name: fc.constantFrom(...egressNames),
    address: fc.constantFrom('10.0.1.1', '10.0.1.2'),
    withheld: fc.boolean(),
    zone: fc.constantFrom('default', 'elsewhere'),
  })
  .map(({ name: own, address: where, withheld, zone }) => ({
    type: 'ZoneEgress',
    name: own,
    zone,
    ...(withheld ? { labels: { 'kuma.io/withheld-ports': '10002' } } : {}),
    networking: { address: where, port: 10002 },
  }));

const secret = fc
  .record({ mesh, data: fc.constantFrom('YQ==', 'Yg==') })
  .map(({ data, ...key }) => ({ type: 'Secret', name: 'ca', ...key, data }));

const route = fc
  .record({ mesh, name, external: name, to: fc.constantFrom('web', 'api') })
  .map(({ external, to, ...key }) => ({
    type: 'MeshHTTPRoute',
    ...key,
    spec: {
      to: [
        {
          targetRef: { kind: 'MeshService', name: to },
          rules: [
            {
              matches: [{ path: { type: 'PathPrefix', value: '/ext' } }],
              default: { backendRefs: [{ kind: 'MeshExternalService', name: external }] },
            },
          ],
        },
      ],
    },
  }));

const breaker = fc
  .record({ mesh, name, external: name, most: fc.integer({ min: 1, max: 3 }) })
  .map(({ external, most, ...key }) => ({
    type: 'MeshCircuitBreaker',
    ...key,
    spec: {
      to: [
        {
          targetRef: { kind: 'MeshExternalService', name: external },
          default: { connectionLimits: { maxConnections: most } },
        },
      ],
    },
  }));

/** Documents to apply. */
export const outsideDocument: fc.Arbitrary<object> = fc.oneof(
  meshExternalService,
  externalService,
  egress,
  secret,
  route,
  breaker,
);

/** Resources to delete. */
export const outsideKey = fc.oneof(
  fc
    .record({ type: fc.constantFrom('MeshExternalService', 'ExternalService', 'MeshCircuitBreaker'), mesh, name })
    .map(({ type, ...key }) => ({ type, key: `${key.mesh}/${key.name}` })),
  mesh.map((of) => ({ type: 'Secret', key: `${of}/ca` })),
  fc.constantFrom(...egressNames).map((own) => ({ type: 'ZoneEgress', key: `/${own}` })),
);
