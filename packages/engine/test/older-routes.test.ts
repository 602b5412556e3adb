// Routes of the older form (TrafficRoute): which of several holds, what it comes to, what a newer route does to it, and that it is said.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resourceJson } from '@ursa/envoy';
import { builtinPolicies } from '@ursa/policies';
import { openEngine, type PolicyInsight, policyContent, policyInsightKey } from '../src/index.ts';
import { logPushes } from './push-log.ts';
import { dataplane, mesh, smallMesh } from './small-mesh.ts';
import { createWorld, type World } from './world.ts';

const service = (name: string, tags: object = {}) => ({ 'kuma.io/service': name, ...tags });
const to = (name: string, tags: object = {}) => ({ destination: service(name, tags) });

function route(name: string, source: object, destination: string, conf: object): object {
  return {
    type: 'TrafficRoute',
    mesh,
    name,
    sources: [{ match: source }],
    destinations: [{ match: service(destination) }],
    conf,
  };
}

function openMesh(...documents: readonly object[]): World {
  const world = createWorld();
  for (const document of [...smallMesh(), ...documents]) world.apply(document);
  world.settle();
  return world;
}

const connect = (world: World, name = 'web-1') => world.connect(mesh, name, { features: [] });

/** Names of the clusters that a proxy sends to, subsets by their service. */
function clustersOf(world: World, name = 'web-1'): readonly string[] {
  const resources = world.engine.config.get(connect(world, name))?.resources;
  return [...(resources?.endpoint.keys() ?? [])].sort();
}

interface Route {
  readonly name: string;
  readonly match: object;
  readonly route: { readonly cluster?: string; readonly weightedClusters?: { readonly clusters: readonly object[] } };
}

function routesOf(world: World, name = 'web-1'): readonly Route[] {
  const listeners = [...(world.engine.config.get(connect(world, name))?.resources.listener.values() ?? [])];
  const outbound = listeners.find((listener) => listener.name.startsWith('outbound:127'));
  assert.ok(outbound, 'the proxy has no outbound');
  const { filterChains } = resourceJson(outbound) as unknown as {
    readonly filterChains: readonly {
      readonly filters: readonly {
        readonly typedConfig: {
          readonly routeConfig?: { readonly virtualHosts: readonly { readonly routes: readonly Route[] }[] };
        };
      }[];
    }[];
  };
  return filterChains[0]?.filters[0]?.typedConfig.routeConfig?.virtualHosts[0]?.routes ?? [];
}

const ask = (world: World, from = 'web', path = '/') =>
  world.engine.explain({ mesh, from, to: 'api', method: 'GET', path, headers: {} });

test('the one whose sources and destinations are the most specific together holds alone', () => {
  const all = route('all', service('*'), '*', to('*'));
  const world = openMesh(all);
  assert.deepEqual(clustersOf(world), ['api']);
  world.apply(route('to-api', service('*'), 'api', to('db')));
  assert.deepEqual(clustersOf(world), ['db']);
  // Two tags of a source count more than one tag and the exact name of a destination.
  world.apply(route('from-v1', service('*', { version: 'v1' }), '*', to('web')));
  assert.deepEqual(clustersOf(world), ['web']);
  assert.deepEqual(clustersOf(world, 'web-2'), ['db']);
  world.apply(route('web-v1-to-api', service('web', { version: '*' }), 'api', to('db')));
  assert.deepEqual(clustersOf(world), ['db']);
  // Another caller, and another destination.
  world.apply(route('other', service('db', { version: 'v1' }), 'api', to('web')));
  assert.deepEqual(clustersOf(world), ['db']);
  for (const name of ['to-api', 'from-v1', 'web-v1-to-api', 'other', 'all'])
    world.delete('TrafficRoute', `${mesh}/${name}`);
  assert.deepEqual(clustersOf(world), ['api']);
});

test('of equals the younger holds, then the first by name', () => {
  const at = (name: string, target: string, time: string): void => {
    world.apply(route(name, service('web'), 'api', to(target)));
    const stored = world.resources('TrafficRoute').get(`${mesh}/${name}`);
    assert.ok(stored);
    world.resources('TrafficRoute').set(`${mesh}/${name}`, { ...stored, creationTime: time });
  };
  const world = openMesh();
  at('b', 'db', '2026-01-02T00:00:00Z');
  at('a', 'web', '2026-01-01T00:00:00Z');
  assert.deepEqual(clustersOf(world), ['db']);
  at('c', 'web', '2026-01-03T00:00:00Z');
  assert.deepEqual(clustersOf(world), ['web']);
  at('a', 'db', '2026-01-03T00:00:00Z');
  assert.deepEqual(clustersOf(world), ['db']);
});

test('one for everything that changes nothing leaves every byte as it is', () => {
  const world = openMesh();
  const key = connect(world);
  const resources = (): string => {
    const config = world.engine.config.get(key);
    assert.ok(config);
    return JSON.stringify(
      Object.values(config.resources).map((all) => [...all.values()].map((each) => resourceJson(each))),
    );
  };
  const before = resources();
  const log = logPushes(world, mesh, ['web-1'], []);
  world.apply(route('route-all', service('*'), '*', { loadBalancer: { roundRobin: {} }, ...to('*') }));
  assert.equal(resources(), before);
  assert.deepEqual(log.take(), []);
});

test('tags that a target leaves open, or says * of, are those of the outbound', () => {
  const outbound = [{ port: 10001, tags: service('api', { version: 'v2' }) }];
  const base = dataplane('web', 1, 'api') as { readonly networking: object };
  const world = openMesh({ ...base, networking: { ...base.networking, outbound } });
  const [subset = ''] = clustersOf(world);
  assert.match(subset, /^api-/);
  world.apply(route('same', service('web'), 'api', to('*', { version: '*' })));
  assert.deepEqual(clustersOf(world), [subset]);
  world.apply(route('same', service('web'), 'api', to('db')));
  const [other = ''] = clustersOf(world);
  assert.match(other, /^db-/);
  const config = world.engine.config.get(connect(world));
  const endpoints = config?.resources.endpoint.get(other);
  assert.match(JSON.stringify(endpoints && resourceJson(endpoints)), /"10\.0\.2\.2"/);
});

test('requests go by the rules in their order, and what none of them takes by the split', () => {
  const rule = (match: object, target: string) => ({ match, ...to(target) });
  const split = [
    { weight: 1, destination: service('api', { version: 'v1' }) },
    { weight: 0, destination: service('api') },
    { weight: 3, destination: service('db') },
  ];
  const http = [rule({ path: { prefix: '/a' } }, 'db'), rule({ path: { exact: '/a/b' } }, 'web')];
  const world = openMesh(route('parts', service('web'), 'api', { http, split }));
  assert.deepEqual(
    routesOf(world).map(({ match, route: { cluster = '', weightedClusters } }) => [
      match,
      cluster || weightedClusters?.clusters.map((each) => Object.values(each)),
    ]),
    [
      [{ prefix: '/a' }, 'db'],
      [{ path: '/a/b' }, 'web'],
      [
        { prefix: '/' },
        [
          [clustersOf(world).find((name) => name.startsWith('api-')), 1],
          ['db', 3],
        ],
      ],
    ],
  );
});

test('a newer route that speaks of a destination wins there, and nowhere else', () => {
  const outbound = ['api', 'db'].map((name, index) => ({ port: 10001 + index, tags: service(name) }));
  const base = dataplane('web', 1) as { readonly networking: object };
  const world = openMesh(
    { ...base, networking: { ...base.networking, outbound } },
    route('older-api', service('web'), 'api', to('web')),
    route('older-db', service('web'), 'db', to('web')),
  );
  assert.deepEqual(clustersOf(world), ['web']);
  const rules = [{ default: { backendRefs: [{ kind: 'MeshService', name: 'db' }] } }];
  const entries = [{ targetRef: { kind: 'MeshService', name: 'api' }, rules }];
  world.apply({ type: 'MeshTCPRoute', mesh, name: 'newer', spec: { to: entries } });
  assert.ok(clustersOf(world).includes('db'));
  assert.ok(clustersOf(world).includes('web'));
  const { problems, policies } = ask(world);
  assert.match(
    JSON.stringify(problems),
    /TrafficRoute older-api selects this request and has no effect: MeshTCPRoute newer speaks of api, and newer routes win/,
  );
  assert.match(JSON.stringify(policies), /"its destinations do not name api"/);
});

test('what is spoken is what those speak who get the traffic, also while some of them are away', () => {
  const outbound = [{ port: 10001, tags: service('front') }];
  const base = dataplane('web', 1) as { readonly networking: object };
  const split = [
    { weight: 1, destination: service('api') },
    { weight: 1, destination: service('away') },
  ];
  const tcp = { port: 5432, tags: service('store', { 'kuma.io/protocol': 'tcp' }) };
  const world = openMesh(
    { ...base, networking: { ...base.networking, outbound } },
    { type: 'Dataplane', mesh, name: 'store', networking: { address: '10.0.9.1', inbound: [tcp] } },
    route('to-front', service('web'), 'front', { split }),
  );
  assert.equal(routesOf(world).length, 1);
  world.apply(route('to-front', service('web'), 'front', to('store')));
  assert.deepEqual(routesOf(world), []);
  assert.deepEqual(clustersOf(world), ['store']);
});

test('rules for requests count where what is called speaks HTTP, whatever one of their targets speaks', () => {
  const tcp = { port: 5432, tags: service('store', { 'kuma.io/protocol': 'tcp' }) };
  const http = [{ match: { path: { prefix: '/kept' } }, ...to('store') }];
  const world = openMesh(
    { type: 'Dataplane', mesh, name: 'store', networking: { address: '10.0.9.1', inbound: [tcp] } },
    route('some-kept', service('web'), 'api', { http, ...to('api') }),
  );
  assert.deepEqual(
    routesOf(world).map(({ match, route: { cluster } }) => [match, cluster]),
    [
      [{ prefix: '/kept' }, 'store'],
      [{ prefix: '/' }, 'api'],
    ],
  );
  world.apply(route('some-kept', service('web'), 'api', to('store')));
  assert.deepEqual(routesOf(world), []);
  assert.deepEqual(clustersOf(world), ['store']);
});

test('the load balancer is that of the clusters that the traffic goes to; what a newer policy says of it wins', () => {
  const loadBalancer = { ringHash: { hashFunction: 'XX_HASH', minRingSize: 64 } };
  const world = openMesh(route('ring', service('web'), 'api', { loadBalancer, ...to('db') }));
  const cluster = (): Record<string, unknown> => {
    const found = world.engine.config.get(connect(world))?.resources.cluster.get('db');
    assert.ok(found);
    return resourceJson(found) as Record<string, unknown>;
  };
  assert.equal(cluster().lbPolicy, 'RING_HASH');
  assert.deepEqual(cluster().ringHashLbConfig, { minimumRingSize: '64' });
  const conf = { loadBalancer: { type: 'Random' } };
  const spec = { to: [{ targetRef: { kind: 'MeshService', name: 'db' }, default: conf }] };
  world.apply({ type: 'MeshLoadBalancingStrategy', mesh, name: 'random', spec });
  assert.equal(cluster().lbPolicy, 'RANDOM');
  assert.equal(cluster().ringHashLbConfig, undefined);
});

test('a mesh whose services are all resources is not routed by tags, and explain says so', () => {
  const world = openMesh(route('older', service('web'), 'api', to('db')));
  world.apply({ type: 'Mesh', name: mesh, meshServices: { mode: 'Exclusive' } });
  const ports = [{ port: 8080, targetPort: 8080, appProtocol: 'http' }];
  const selector = { dataplaneTags: service('api') };
  world.apply({
    type: 'MeshService',
    mesh,
    name: 'api',
    labels: { 'kuma.io/display-name': 'api' },
    spec: { selector, ports },
  });
  world.settle();
  for (const name of ['web-1', 'api-1']) connect(world, name);
  assert.match(
    JSON.stringify(ask(world).problems),
    /speaks of services by their tag, and api is called as a MeshService/,
  );
  assert.match(
    JSON.stringify(world.engine.findings(mesh)),
    /TrafficRoute older has no effect while meshServices\.mode of the mesh small is Exclusive/,
  );
});

test('explain and the rules of a proxy name the route that decides', () => {
  const world = openMesh(
    route('all', service('*'), '*', to('*')),
    route('web-to-api', service('web'), 'api', {
      http: [{ match: { path: { prefix: '/db' } }, ...to('db') }],
      ...to('api'),
    }),
  );
  for (const name of ['web-1', 'api-1', 'api-2', 'db-1']) connect(world, name);
  const { steps, policies, backends } = ask(world, 'web', '/db');
  assert.ok(
    steps.some(({ text }) => text === 'prefix /db takes it, of TrafficRoute web-to-api'),
    JSON.stringify(steps),
  );
  assert.deepEqual(
    backends.map(({ name }) => name),
    ['db'],
  );
  const applied = policies.find(({ type }) => type === 'TrafficRoute');
  assert.deepEqual(applied?.decidedBy, [{ type: 'TrafficRoute', name: 'web-to-api', kri: '', field: 'conf' }]);
  assert.match(applied?.lost[0]?.reason ?? '', /web-to-api wins: its sources and destinations are more specific/);
  const rules = world.engine.rules.get(`${mesh}/web-1`).get('TrafficRoute');
  assert.deepEqual(
    rules?.toSubsets.map(({ subset, origins }) => [subset.map(({ value }) => value), origins.map(({ name }) => name)]),
    [
      [['api'], ['web-to-api']],
      [[], ['all']],
    ],
  );
});

test('a destination that nothing serves is found', () => {
  const world = openMesh(route('gone', service('web'), 'api', to('api', { version: 'v9' })));
  connect(world);
  const found = world.engine.findings(mesh).filter(({ code }) => code === 'backend-missing');
  assert.match(found[0]?.message ?? '', /TrafficRoute gone: nothing has the tags kuma\.io\/service=api, version=v9/);
});

test('one for other callers, or for other services, is not pushed', () => {
  const world = openMesh();
  const log = logPushes(world, mesh, ['web-1'], []);
  world.apply(route('others', service('db'), 'api', to('db')));
  world.apply(route('elsewhere', service('web'), 'db', to('api')));
  assert.deepEqual(log.take(), []);
});

test('one that Envoy refused is left out, and explain says so', () => {
  const world = openMesh(route('bad', service('web'), 'api', to('db')));
  assert.deepEqual(clustersOf(world), ['db']);
  const policy = world.resources('TrafficRoute').get(`${mesh}/bad`);
  assert.ok(policy);
  const spec: PolicyInsight = {
    policy: { type: policy.type, name: policy.name },
    content: policyContent(policy),
    heldBack: true,
    everywhere: true,
    refusals: [],
  };
  const { type, name } = policyInsightKey(policy);
  const resource = { type, mesh, name, labels: {}, creationTime: '', modificationTime: '', version: 1, spec };
  world.resources(type).set(`${mesh}/${name}`, resource);
  assert.deepEqual(clustersOf(world), ['api']);
  connect(world, 'api-1');
  assert.match(JSON.stringify(ask(world).policies), /it is held back, because Envoy refused what it makes/);
});

const external = (name: string, region: string) => ({
  type: 'ExternalService',
  mesh,
  name,
  tags: service('maps', { 'kuma.io/protocol': 'http', region }),
  networking: { address: `${name}.example:80` },
});
/** Hosts of the servers that are named in the clusters that a proxy sends to. */
const serversOf = (world: World): readonly string[] => {
  const clusters = [...(world.engine.config.get(connect(world))?.resources.cluster.values() ?? [])];
  return [...new Set(JSON.stringify(clusters.map((each) => resourceJson(each))).match(/(one|two)\.example/g) ?? [])];
};

test('a target among ExternalServices of one name gets those with its tags', () => {
  const world = openMesh(external('one', 'eu'), external('two', 'us'), route('out', service('web'), 'api', to('maps')));
  assert.deepEqual(serversOf(world).toSorted(), ['one.example', 'two.example']);
  world.apply(route('out', service('web'), 'api', to('maps', { region: 'us' })));
  assert.deepEqual(serversOf(world), ['two.example']);
});

test('through an egress they are one service, and a target that means some of them has no way there', () => {
  const world = openMesh(external('one', 'eu'), external('two', 'us'));
  const backends = [{ name: 'ca', type: 'builtin' }];
  world.apply({ type: 'Mesh', name: mesh, routing: { zoneEgress: true }, mtls: { enabledBackend: 'ca', backends } });
  world.apply({ type: 'ZoneEgress', name: 'edge', networking: { address: '10.0.0.100', port: 10002 } });
  world.apply(route('out', service('web'), 'api', to('maps', { 'kuma.io/protocol': 'http' })));
  world.settle();
  const warnings = () => JSON.stringify(world.engine.config.get(connect(world))?.warnings);
  assert.ok(clustersOf(world).includes('maps'));
  assert.doesNotMatch(warnings(), /tells them apart/);
  world.apply(route('out', service('web'), 'api', to('maps', { region: 'us' })));
  assert.match(warnings(), /a zone egress tells them apart by kuma\.io\/service only/);
});

test('what one would do is told before it is written', () => {
  const world = openMesh();
  const key = connect(world);
  const engine = openEngine({ graph: world.graph, inputs: world.inputs, policies: builtinPolicies });
  const draft = openMesh(route('draft', service('web'), 'api', to('db')))
    .resources('TrafficRoute')
    .get(`${mesh}/draft`);
  const then = engine.whatIf(new Map([['TrafficRoute', new Map([[`${mesh}/draft`, draft]])]]));
  const endpoints = (config = then.config.get(key)): readonly string[] => [
    ...(config?.resources.endpoint.keys() ?? []),
  ];
  assert.deepEqual(endpoints(), ['db']);
  assert.deepEqual(endpoints(engine.config.get(key)), ['api']);
  world.apply(route('draft', service('web'), 'api', to('db')));
  assert.deepEqual(endpoints(world.engine.config.get(key)), ['db']);
  const without = engine.whatIf(new Map([['TrafficRoute', new Map([[`${mesh}/draft`, undefined]])]]));
  assert.deepEqual(endpoints(without.config.get(key)), ['api']);
});
