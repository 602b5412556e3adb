// Stories: steps of apply and delete, with all that is pushed for each. They prove what is not pushed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resourceJson } from '@ursa/envoy';
import { logPushes, type PushLog } from './push-log.ts';
import { dataplane, mesh, meshDocument, smallMesh, timeout } from './small-mesh.ts';
import { createWorld, type World } from './world.ts';

const plainFeatures = ['feature-reuse-port'];
const proxies = ['web-1', 'web-2', 'api-1', 'db-1'];

function openStory(): { readonly world: World; readonly log: PushLog } {
  const world = createWorld();
  for (const document of smallMesh()) world.apply(document);
  world.settle();
  return { world, log: logPushes(world, mesh, proxies, plainFeatures) };
}

/** Counts runs of derivations by name. */
function runsDuring(world: World, step: () => void): (name: string) => number {
  const before = world.graph.stats().recomputed;
  step();
  const after = world.graph.stats().recomputed;
  return (name) => (after[name] ?? 0) - (before[name] ?? 0);
}

/** A route for the callers of `api`. */
function route(path: string): object {
  const rules = [{ matches: [{ path: { type: 'PathPrefix', value: path } }], default: { filters: [] } }];
  const to = [{ targetRef: { kind: 'MeshService', name: 'api' }, rules }];
  return { type: 'MeshHTTPRoute', mesh, name: 'route', spec: { targetRef: { kind: 'Mesh' }, to } };
}

test('an endpoint that comes or goes sends one endpoint resource to those who use it, and nothing else', () => {
  const { world, log } = openStory();
  world.apply(dataplane('api', 3, 'db'));
  assert.deepEqual(log.take(), ['web-1 + endpoint api', 'web-2 + endpoint api']);
  world.delete('Dataplane', `${mesh}/api-3`);
  assert.deepEqual(log.take(), ['web-1 + endpoint api', 'web-2 + endpoint api']);
  world.apply(dataplane('web', 3, 'api'));
  assert.deepEqual(log.take(), []);
});

test('a write of equal content wakes nobody', () => {
  const { world, log } = openStory();
  const before = world.graph.stats().recomputed.config;
  world.apply(meshDocument());
  assert.deepEqual(log.take(), []);
  assert.equal(world.graph.stats().recomputed.config, before);
});

test('a policy for one proxy is computed for and sent to that proxy only', () => {
  const { world, log } = openStory();
  const runs = runsDuring(world, () => world.apply(timeout('one', { kind: 'Dataplane', name: 'web-2' }, '7s')));
  assert.deepEqual(log.take(), ['web-2 + listener outbound:127.0.0.1:10001']);
  assert.deepEqual([runs('config'), runs('selected policies'), runs('inbounds')], [1, 1, 0]);
  world.delete('MeshTimeout', `${mesh}/one`);
  assert.deepEqual(log.take(), ['web-2 + listener outbound:127.0.0.1:10001']);
});

test('a policy for a whole mesh sends each proxy what it changes, once', () => {
  const { world, log } = openStory();
  const before = world.graph.stats().recomputed.config ?? 0;
  world.apply(timeout('all', { kind: 'Mesh' }, '8s'));
  assert.deepEqual(log.take(), [
    'api-1 + listener outbound:127.0.0.1:10001',
    'web-1 + listener outbound:127.0.0.1:10001',
    'web-2 + listener outbound:127.0.0.1:10001',
  ]);
  assert.ok((world.graph.stats().recomputed.config ?? 0) - before <= proxies.length);
});

test('a policy for one service builds nothing of other services again', () => {
  const { world, log } = openStory();
  world.apply(timeout('own', { kind: 'Dataplane', name: 'web-2' }, '6s'));
  log.take();
  const to = [{ targetRef: { kind: 'MeshService', name: 'api' }, default: { connectionTimeout: '9s' } }];
  const spec = { targetRef: { kind: 'Mesh' }, to };
  const runs = runsDuring(world, () => world.apply({ type: 'MeshTimeout', mesh, name: 'apis', spec }));
  assert.deepEqual(log.take(), ['web-1 + cluster api', 'web-2 + cluster api']);
  // The callers of `api` are of two classes; what calls `db` is left alone.
  assert.deepEqual([runs('outbound listener'), runs('cluster')], [2, 2]);
});

test('a route to one service that comes, changes or goes puts only the configurations of its callers together again', () => {
  const { world, log } = openStory();
  const steps = [
    () => world.apply(route('/first')),
    () => world.apply(route('/second')),
    () => world.delete('MeshHTTPRoute', `${mesh}/route`),
  ];
  for (const step of steps) {
    const runs = runsDuring(world, step);
    assert.deepEqual(log.take(), [
      'web-1 + listener outbound:127.0.0.1:10001',
      'web-2 + listener outbound:127.0.0.1:10001',
    ]);
    assert.deepEqual([runs('selected policies'), runs('outbound listener')], [0, 1]);
    assert.deepEqual([runs('resources of a proxy'), runs('config')], [2, 2]);
  }
});

test('the first policy that speaks of one direction builds nothing of the other', () => {
  const { world } = openStory();
  world.apply(meshDocument('STRICT'));
  const outgoing = runsDuring(world, () => world.apply(route('/first')));
  assert.deepEqual([outgoing('inbounds'), outgoing('outbound listener')], [0, 1]);
  const from = [{ targetRef: { kind: 'Mesh' }, default: { action: 'Allow' } }];
  const spec = { targetRef: { kind: 'Mesh' }, from };
  const incoming = runsDuring(world, () => world.apply({ type: 'MeshTrafficPermission', mesh, name: 'all', spec }));
  assert.deepEqual([incoming('inbounds'), incoming('outbound listener')], [proxies.length, 0]);
});

test('a proxy that ignores all its inbounds is subject to policies for the whole mesh', () => {
  const { world } = openStory();
  const inbound = [{ port: 80, tags: { 'kuma.io/service': 'old' }, state: 'Ignored' }];
  const outbound = [{ port: 10001, tags: { 'kuma.io/service': 'api' } }];
  world.apply({ type: 'Dataplane', mesh, name: 'old-1', networking: { address: '10.0.0.9', inbound, outbound } });
  world.apply(timeout('all', { kind: 'Mesh' }, '8s'));
  world.apply(timeout('none', { kind: 'MeshSubset', tags: { version: 'v9' } }, '9s'));
  const matched = world.engine.matchedPolicies
    .get('MeshTimeout', `${mesh}/old-1`)
    .map(({ displayName }) => displayName);
  assert.deepEqual([matched.includes('all'), matched.includes('none')], [true, false]);
});

test('proxies of one class share the very same resources', () => {
  const { world } = openStory();
  const listenerOf = (proxy: string) =>
    world.engine.config.get(`${mesh}/${proxy}`)?.resources.listener.get('outbound:127.0.0.1:10001');
  for (const mode of [undefined, 'STRICT', 'PERMISSIVE'] as const) {
    const classes = () => world.graph.stats().recomputed['proxy class'] ?? 0;
    const before = classes();
    world.apply(meshDocument(mode));
    for (const proxy of proxies) listenerOf(proxy);
    assert.ok(classes() - before <= 1, `${classes() - before} classes of ${proxies.length} proxies that are alike`);
    assert.ok(listenerOf('web-1'));
    assert.equal(listenerOf('web-1'), listenerOf('web-2'));
    assert.notEqual(listenerOf('web-1'), listenerOf('api-1'));
  }
});

test('switching mTLS on changes listeners, clusters and secrets, and no endpoint', () => {
  const { world, log } = openStory();
  world.apply(meshDocument('STRICT'));
  const pushed = log.take();
  assert.deepEqual(
    pushed.filter((line) => line.includes(' endpoint ')),
    [],
  );
  assert.deepEqual(
    pushed.filter((line) => line.startsWith('web-1 ')),
    [
      'web-1 + cluster api',
      'web-1 + listener inbound:10.0.3.1:8080',
      'web-1 + secret identity_cert:secret:small',
      'web-1 + secret mesh_ca:secret:small',
    ],
  );
});

test('while a mesh moves to mTLS, a service is spoken to in TLS once all of its proxies have a certificate', () => {
  const { world, log } = openStory();
  world.apply(meshDocument('PERMISSIVE'));
  const clusters = (lines: readonly string[]) => lines.filter((line) => line.includes(' cluster '));
  assert.deepEqual(clusters(log.take()), []);
  world.connect(mesh, 'api-2', { features: plainFeatures });
  assert.deepEqual(clusters(log.take()), ['web-1 + cluster api', 'web-2 + cluster api']);
  world.renewIdentity(`${mesh}/api-2`);
  assert.deepEqual(log.take(), []);
});

test('while a mesh leaves mTLS, servers take plain text first, clients speak it next, and certificates go last', () => {
  const { world, log } = openStory();
  const { mtlsExits } = world.sources;
  world.apply(meshDocument('STRICT'));
  log.take();
  const ofWeb = () => log.take().filter((line) => line.startsWith('web-1 '));
  const inbound = 'inbound:10.0.3.1:8080';
  const transports = (): string[] => {
    const listener = world.engine.config.get(`${mesh}/web-1`)?.resources.listener.get(inbound);
    assert.ok(listener);
    const { filterChains } = resourceJson(listener) as {
      filterChains: { filterChainMatch?: { transportProtocol?: string } }[];
    };
    return filterChains.map(({ filterChainMatch }) => filterChainMatch?.transportProtocol ?? '');
  };
  assert.deepEqual(transports(), ['']);
  world.graph.batch(() => {
    mtlsExits.set(mesh, { backend: 'ca-1', clients: 'tls' });
    world.apply(meshDocument());
  });
  assert.deepEqual(ofWeb(), [`web-1 + listener ${inbound}`]);
  assert.deepEqual(transports(), ['raw_buffer', 'tls', 'tls']);
  mtlsExits.set(mesh, { backend: 'ca-1', clients: 'plaintext' });
  assert.deepEqual(ofWeb(), ['web-1 + cluster api']);
  mtlsExits.delete(mesh);
  const last = ofWeb();
  assert.ok(last.includes(`web-1 + listener ${inbound}`), last.join());
  assert.ok(!last.some((line) => line.includes(' cluster ')), last.join());
  assert.deepEqual(transports(), ['']);
});

test('each step out of mTLS builds only what it changes', () => {
  const { world } = openStory();
  const { mtlsExits } = world.sources;
  world.apply(meshDocument('STRICT'));
  const names = ['inbounds', 'secrets', 'outbound listener', 'cluster'] as const;
  const during = (step: () => void): string[] => {
    const runs = runsDuring(world, step);
    return names.filter((name) => runs(name) > 0);
  };
  const servers = during(() =>
    world.graph.batch(() => {
      mtlsExits.set(mesh, { backend: 'ca-1', clients: 'tls' });
      world.apply(meshDocument());
    }),
  );
  assert.deepEqual(servers, ['inbounds']);
  assert.deepEqual(
    during(() => mtlsExits.set(mesh, { backend: 'ca-1', clients: 'plaintext' })),
    ['outbound listener', 'cluster'],
  );
  assert.deepEqual(
    during(() => mtlsExits.delete(mesh)),
    [...names],
  );
});

test('a certificate that is renewed sends one secret to its proxy', () => {
  const { world, log } = openStory();
  world.apply(meshDocument('STRICT'));
  log.take();
  world.renewIdentity(`${mesh}/web-1`);
  assert.deepEqual(log.take(), ['web-1 + secret identity_cert:secret:small']);
});

test('a mesh does not see what happens in another', () => {
  const { world, log } = openStory();
  const before = world.graph.stats().recomputed.config;
  world.apply({ type: 'Mesh', name: 'other' });
  world.apply({ ...dataplane('api', 9, 'db'), mesh: 'other' });
  world.apply({ ...timeout('all', { kind: 'Mesh' }, '9s'), mesh: 'other' });
  assert.deepEqual(log.take(), []);
  assert.equal(world.graph.stats().recomputed.config, before);
});

test('a proxy without a Dataplane has no configuration, and its configuration ends with its Dataplane', () => {
  const { world } = openStory();
  const key = world.connect(mesh, 'nobody');
  assert.equal(world.engine.config.get(key), undefined);
  world.delete('Dataplane', `${mesh}/web-1`);
  assert.equal(world.engine.config.get(`${mesh}/web-1`), undefined);
});

test('an endpoint that comes or goes sends one endpoint resource, also where a policy arranges endpoints', () => {
  const { world, log } = openStory();
  world.apply({
    type: 'MeshLoadBalancingStrategy',
    mesh,
    name: 'near-first',
    spec: {
      to: [
        {
          targetRef: { kind: 'MeshService', name: 'api' },
          default: { localityAwareness: { localZone: { affinityTags: [{ key: 'version' }] } } },
        },
      ],
    },
  });
  assert.deepEqual(log.take(), [
    'web-1 + cluster api',
    'web-1 + endpoint api',
    'web-2 + cluster api',
    'web-2 + endpoint api',
  ]);
  world.apply(dataplane('api', 3, 'db'));
  assert.deepEqual(log.take(), ['web-1 + endpoint api', 'web-2 + endpoint api']);
  world.delete('Dataplane', `${mesh}/api-3`);
  assert.deepEqual(log.take(), ['web-1 + endpoint api', 'web-2 + endpoint api']);
});

test('callers share arranged endpoints unless they differ in a tag that the policy looks at', () => {
  const { world } = openStory();
  const endpointsBy = (key: string) => {
    world.apply({
      type: 'MeshLoadBalancingStrategy',
      mesh,
      name: 'near-first',
      spec: {
        to: [
          {
            targetRef: { kind: 'MeshService', name: 'api' },
            default: { localityAwareness: { localZone: { affinityTags: [{ key }] } } },
          },
        ],
      },
    });
    world.settle();
    return ['web-1', 'web-2'].map((name) => {
      const resource = world.engine.config.get(`${mesh}/${name}`)?.resources.endpoint.get('api');
      assert.ok(resource);
      return resource;
    });
  };
  const [first, second] = endpointsBy('kuma.io/protocol');
  assert.equal(first, second);
  const [ofVersion1, ofVersion2] = endpointsBy('version');
  assert.notEqual(ofVersion1, ofVersion2);
});
