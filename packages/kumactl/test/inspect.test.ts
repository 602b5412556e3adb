// `kumactl inspect`: states of proxies, rules of one proxy, and its Envoy configuration.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type ControlPlaneStub, openControlPlaneStub } from './control-plane-stub.ts';
import type { StubAnswer } from './terminal.ts';

let answer: StubAnswer = {};
let stub: ControlPlaneStub;
before(async () => {
  stub = await openControlPlaneStub(() => answer);
});
after(() => stub.close());

async function inspect(args: readonly string[], answering: StubAnswer) {
  answer = answering;
  const result = await stub.run(['inspect', ...args]);
  return { ...result, url: stub.requests.at(-1)?.url };
}

const inbound = (state?: string) => ({
  port: 80,
  tags: { 'kuma.io/service': 'web' },
  ...(state === undefined ? {} : { state }),
});
const overview = (name: string, inbounds: readonly object[], subscription: object | undefined) => ({
  type: 'DataplaneOverview',
  mesh: 'default',
  name,
  dataplane: { networking: { address: '127.0.0.1', inbound: inbounds } },
  dataplaneInsight: {
    ...(subscription === undefined
      ? {}
      : { subscriptions: [{ status: { total: { responsesSent: '3' } } }, subscription] }),
    mTLS: {
      issuedBackend: 'ca-1',
      supportedBackends: ['ca-1', 'ca-2'],
      lastCertificateRegeneration: '2026-11-23T11:59:55Z',
      certificateExpirationTime: '2026-11-24T11:59:55.25Z',
      certificateRegenerations: 3,
    },
  },
});
const connected = {
  connectTime: '2026-11-23T11:58:00Z',
  status: { lastUpdateTime: '2026-11-23T11:59:00Z', total: { responsesSent: '4', responsesRejected: '1' } },
  version: { kumaDp: { version: '0.1.0' }, envoy: { version: '1.40.0' }, dependencies: { coredns: '1.14' } },
};

test('proxies are listed with their state, updates over all connections, certificate and versions', async () => {
  const items = [overview('web-1', [inbound(), inbound('NotReady')], connected)];
  const { stdout, url } = await inspect(['dataplanes', '--gateway', '--tag', 'version=v1'], { body: { items } });
  assert.equal(url, '/meshes/default/dataplanes/_overview?gateway=true&tag=version%3Av1');
  const [headings, row] = stdout.split('\n').map((line) => line.split(/ {3,}/));
  assert.deepEqual(headings?.slice(0, 4), ['MESH', 'NAME', 'TAGS', 'STATUS']);
  assert.deepEqual(row, [
    'default',
    'web-1',
    'kuma.io/service=web',
    'Partially degraded',
    '2m',
    '1m',
    '7',
    '1',
    '5s',
    '2026-11-24 11:59:55',
    '3',
    'ca-1',
    'ca-1,ca-2',
    '0.1.0',
    '1.40.0',
    'coredns: 1.14',
    'inbound[port=80,svc=web] is not ready',
  ]);
});

test('what the control plane warns of comes after the table, by proxy', async () => {
  const warned = { ...overview('web-1', [inbound()], connected), warnings: ['Envoy 1.38.3 has known vulnerabilities'] };
  const items = [overview('api-1', [inbound()], connected), warned];
  const { stdout } = await inspect(['dataplanes'], { body: { items } });
  assert.deepEqual(stdout.split('\n').slice(-3), ['', 'web-1: Envoy 1.38.3 has known vulnerabilities', '']);
});

test('the form of the output may be named before the kind, switches may have a value', async () => {
  const body = { items: [overview('web-1', [inbound()], connected)] };
  for (const args of [
    ['-o', 'json', 'dataplanes'],
    ['-o=json', 'dataplanes', '--gateway=false'],
    ['dataplanes', '--output=json', '--ingress=f'],
  ]) {
    const { code, stdout, stderr, url } = await inspect(args, { body });
    assert.deepEqual({ code, stderr, url }, { code: 0, stderr: '', url: '/meshes/default/dataplanes/_overview' });
    assert.deepEqual(JSON.parse(stdout).items, body.items);
  }
  const { url } = await inspect(['dataplanes', '--gateway=true'], { body });
  assert.equal(url, '/meshes/default/dataplanes/_overview?gateway=true');
});

const states: readonly [name: string, inbounds: readonly object[], subscription: object | undefined, state: string][] =
  [
    ['never connected', [inbound()], undefined, 'Offline'],
    ['disconnected', [inbound()], { ...connected, disconnectTime: '2026-11-23T11:59:30Z' }, 'Offline'],
    ['connected, without inbounds', [], connected, 'Online'],
    ['connected, with one of two inbounds ready', [inbound(), inbound('NotReady')], connected, 'Partially degraded'],
    ['connected, with its other inbound ignored', [inbound('Ready'), inbound('Ignored')], connected, 'Online'],
    ['connected, with an inbound of bad health', [{ ...inbound(), health: {} }], connected, 'Offline'],
    ['connected, with no inbound ready', [inbound('NotReady')], connected, 'Offline'],
  ];

for (const [name, inbounds, subscription, state] of states) {
  test(`a proxy that is ${name} is ${state}`, async () => {
    const { stdout } = await inspect(['dataplanes'], { body: { items: [overview('web-1', inbounds, subscription)] } });
    assert.match(stdout.split('\n')[1] ?? '', new RegExp(` {3}${state} {3}`));
  });
}

test('inbounds of a proxy say whether others send to them, since when, and why not', async () => {
  const serviceProbe = { tcp: {} };
  const probed = (port: number, ready: boolean) => ({
    ...{ port, serviceProbe, health: { ready }, state: ready ? 'Ready' : 'NotReady' },
    tags: { 'kuma.io/service': 'web' },
  });
  const inbounds = [probed(80, false), probed(81, true), { port: 82, name: 'old', state: 'NotReady' }];
  const found = [
    { address: '127.0.0.1', port: 80, ready: false, since: '2026-11-23T11:59:30Z', reason: 'nothing answers at :8080' },
    { address: '127.0.0.1', port: 81, ready: true, since: '2026-11-23T11:00:00Z' },
  ];
  const item = overview('web-1', inbounds, connected);
  const body = { ...item, dataplaneInsight: { ...item.dataplaneInsight, inbounds: found } };
  const { stdout, url } = await inspect(['dataplane', 'web-1', '--type', 'inbounds'], { body });
  assert.equal(url, '/meshes/default/dataplanes/web-1/_overview');
  assert.deepEqual(
    stdout.split('\n').map((line) => line.split(/ {3,}/)),
    [
      ['ADDRESS', 'NAME', 'SERVICE', 'STATE', 'SINCE', 'WHY'],
      ['127.0.0.1:80', '-', 'web', 'NotReady', '30s', 'its probe fails: nothing answers at :8080'],
      ['127.0.0.1:81', '-', 'web', 'Ready', '1h', '-'],
      ['127.0.0.1:82', 'old', '-', 'NotReady', '-', 'its Dataplane says so: state is NotReady'],
      [''],
    ],
  );
});

test('rules of a proxy name the policies they come from', async () => {
  const origin = [{ resourceMeta: { name: 'slow' } }];
  const rules = [
    {
      type: 'MeshTimeout',
      inboundRules: [{ inbound: { port: 80 }, rules: [{ conf: { idleTimeout: '1s' }, origin }] }],
      fromRules: [
        {
          inbound: { port: 80 },
          rules: [
            { matchers: [{ key: 'version', value: 'v1', not: true }], conf: { b: 2 }, origin },
            { conf: {}, origin },
          ],
        },
      ],
      toResourceRules: [
        {
          resourceMeta: { type: 'MeshService', name: 'db' },
          resourceSectionName: 'main',
          conf: [{ http: {} }],
          origin,
        },
      ],
      toRules: [{ matchers: [{ key: 'kuma.io/service', value: 'web', not: false }], conf: {}, origin }],
      proxyRule: { conf: { a: 1 }, origin },
      warnings: ['outdated'],
    },
  ];
  const { stdout, url } = await inspect(['dataplane', 'web-1'], { body: { rules } });
  assert.equal(url, '/meshes/default/dataplanes/web-1/_rules');
  assert.equal(
    stdout,
    `MeshTimeout
  inbound 80 (slow)
    {"idleTimeout":"1s"}
  inbound 80, clients version!=v1 (slow)
    {"b":2}
  inbound 80, clients everything (slow)
    {}
  to MeshService db section main (slow)
    {"http":{}}
  to kuma.io/service=web (slow)
    {}
  proxy (slow)
    {"a":1}
  warning: outdated
`,
  );
});

test('a proxy without policies is said to have none', async () => {
  assert.equal(
    (await inspect(['dataplane', 'web-1'], { body: { rules: [] } })).stdout,
    'no policy applies to this proxy\n',
  );
});

test('the Envoy configuration is printed as JSON or YAML, with shadow policies when asked', async () => {
  const args = ['dataplane', 'web-1', '--type', 'config', '--shadow', '--include', 'diff'];
  const { stdout, url } = await inspect(args, { body: { xds: { b: 1 } } });
  assert.equal(url, '/meshes/default/dataplanes/web-1/_config?shadow=true&include=diff');
  assert.equal(stdout, '{\n  "xds": {\n    "b": 1\n  }\n}\n');
  assert.equal((await inspect([...args, '-o', 'yaml'], { body: { xds: { b: 1 } } })).stdout, 'xds:\n  b: 1\n');
});

test('the proxies that a policy concerns are listed, by any name of its type', async () => {
  const items = [{ type: 'Dataplane', mesh: 'default', name: 'web-1' }];
  for (const word of ['meshtimeout', 'mt']) {
    const { stdout } = await inspect([word, 'slow'], { body: { items } });
    const path = '/meshes/default/meshtimeouts/slow';
    assert.deepEqual(
      stub.requests.slice(-2).map(({ url }) => url),
      [`${path}/_resources/dataplanes`, path],
    );
    assert.equal(stdout, 'Type        Mesh      Name\nDataplane   default   web-1\n\nTotal: 1\n');
  }
});

test('a policy that Envoy refuses says so below the proxies that it concerns', async () => {
  const condition = {
    type: 'Programmed',
    status: 'False',
    reason: 'HeldBack',
    message: 'Envoy says: no',
    lastTransitionTime: '2026-11-23T11:59:55Z',
    proxies: { total: 12, names: ['web-1', 'web-2'] },
  };
  const { stdout } = await inspect(['mt', 'slow'], { body: { items: [], status: { conditions: [condition] } } });
  const told = 'Programmed: False (HeldBack) since 2026-11-23T11:59:55Z\nProxies (12): web-1, web-2\nEnvoy says: no\n';
  assert.ok(stdout.endsWith(`\n${told}`), stdout);
});

test('what has no effect says so, and what to use instead', async () => {
  const empty = { body: { items: [] } };
  const timeout = await inspect(['timeout', 'slow'], empty);
  assert.match(
    timeout.stderr,
    /^Timeout slow has no effect: proxies do not follow policies of this kind; use MeshTimeout\n$/,
  );
  const gateway = await inspect(['meshgateway', 'edge'], empty);
  assert.match(gateway.stderr, /^MeshGateway edge has no effect yet; run a gateway of your own behind a proxy/);
  const permission = ['traffic-permission', 'all'];
  const unenforced = /TrafficPermission all has no effect while the mesh default has no mTLS/;
  assert.match((await inspect(permission, empty)).stderr, unenforced);
  const secured = await inspect(permission, { body: { items: [], mtls: { enabledBackend: 'ca-1' } } });
  assert.doesNotMatch(secured.stderr, /no effect/);
  const route = ['traffic-route', 'all'];
  assert.equal((await inspect(route, empty)).stderr, '');
  const exclusive = await inspect(route, { body: { items: [], meshServices: { mode: 'Exclusive' } } });
  assert.match(
    exclusive.stderr,
    /^TrafficRoute all has no effect while meshServices\.mode of the mesh default is Exclusive/,
  );
  assert.doesNotMatch((await inspect(['timeout', 'slow', '-o', 'json'], empty)).stderr, /no effect/);
});

const refused: readonly [args: readonly string[], code: number, error: RegExp][] = [
  [['dataplane'], 2, /missing required argument 'name'/],
  [['dataplane', 'x', '--type', 'all'], 2, /Allowed choices are policies, config-dump, stats, clusters, config/],
  [['dataplane', 'x', '--type', 'stats', '--include-eds'], 1, /--include-eds goes with --type config-dump/],
  [['zoneegress', 'x', '--type', 'config', '--include-eds'], 1, /--include-eds goes with --type config-dump/],
  [['zoneingress', 'x', '--type', 'config'], 2, /Allowed choices are config-dump, stats, clusters/],
  [['dataplane', 'x', '--shadow'], 1, /--shadow and --include go with --type config/],
  [['dataplane', 'x', '--type', 'config', '--include', 'all'], 2, /Allowed choices are diff, warnings/],
  [['dataplanes', '--tag', 'web'], 2, /Expected key=value/],
  [
    ['dataplane', 'none'],
    1,
    /^Error: Could not retrieve a resource: GET \/meshes\/default\/dataplanes\/none\/_rules\n$/,
  ],
  [['meshtimeoot', 'x'], 2, /unknown command 'meshtimeoot'/],
];

for (const [args, code, error] of refused) {
  test(`"inspect ${args.join(' ')}" is refused in plain words`, async () => {
    const result = await inspect(args, { status: 404, body: { title: 'Could not retrieve a resource' } });
    assert.deepEqual({ code: result.code, stdout: result.stdout }, { code, stdout: '' });
    assert.match(result.stderr, error);
  });
}

test('policies of a built-in gateway are shown by listener, host, route and destination', async () => {
  const policy = (name: string) => ({ mesh: 'default', name });
  const destinations = [
    { tags: { 'kuma.io/service': 'api' }, policies: { Timeout: policy('slow'), Retry: policy('twice') } },
    { tags: { 'kuma.io/service': 'db' }, policies: {} },
  ];
  const hosts = [{ hostName: 'shop.example', routes: [{ route: 'all', destinations }] }];
  const listeners = [{ port: 8080, protocol: 'HTTP', hosts }];
  const body = { kind: 'MeshGatewayDataplane', policies: { TrafficLog: policy('log-all') }, listeners };
  const { stdout } = await inspect(['dataplane', 'edge-1'], { body });
  const expected = `MESHGATEWAY:
  TrafficLog
    log-all

LISTENER (HTTP:8080):
  shop.example:
    ROUTE all:
      SERVICE api:
        Retry
          twice
        Timeout
          slow

      SERVICE db:

`;
  assert.equal(stdout, expected);
});

test('a policy that is attached to services names them once', async () => {
  const attachments = [
    { type: 'service', name: 'api', service: 'api' },
    { type: 'outbound', name: '127.0.0.1:10001', service: 'db' },
  ];
  const body = { total: 1, items: [{ dataplane: { mesh: 'default', name: 'web-1' }, attachments }] };
  const { stdout } = await inspect(['healthcheck', 'often'], { body });
  assert.equal(
    stdout,
    'Affected data plane proxies:\n\n  web-1:\n    service api\n    outbound 127.0.0.1:10001(db)\n\n',
  );
});
