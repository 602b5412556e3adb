// Prints what changes cost in a mesh of services x replicas proxies: node packages/engine/test/slow/propagation-bench.ts [services] [fan-out] [replicas].
import type { Watch } from '@ursa/collections';
import type { ProxyConfig } from '../../src/index.ts';
import { createWorld, type World } from '../world.ts';

const services = Number(process.argv[2] ?? 50);
const replicas = Number(process.argv[4] ?? 20);
const fanOut = Number(process.argv[3] ?? 12);
const mesh = 'bench';

function dataplane(service: number, replica: number): object {
  const host = service * replicas + replica;
  return {
    type: 'Dataplane',
    mesh,
    name: `svc-${service}-${replica}`,
    networking: {
      address: `10.${host >> 16}.${(host >> 8) & 255}.${host & 255}`,
      inbound: [
        {
          port: 8080,
          tags: { 'kuma.io/service': `svc-${service}`, 'kuma.io/protocol': 'http', version: `v${replica}` },
        },
      ],
      outbound: Array.from({ length: fanOut }, (_, position) => ({
        port: 10000 + position,
        tags: { 'kuma.io/service': `svc-${(service + position + 1) % services}` },
      })),
    },
  };
}

function timeout(requestTimeout: string): object {
  const to = [{ targetRef: { kind: 'Mesh' }, default: { http: { requestTimeout } } }];
  return { type: 'MeshTimeout', mesh, name: 'everyone', spec: { targetRef: { kind: 'Mesh' }, to } };
}

function route(value: string): object {
  const rules = [
    {
      matches: [{ path: { type: 'PathPrefix', value: `/${value}` } }],
      default: {
        filters: [{ type: 'RequestHeaderModifier', requestHeaderModifier: { set: [{ name: 'x-bench', value }] } }],
      },
    },
  ];
  const to = [{ targetRef: { kind: 'MeshService', name: 'svc-1' }, rules }];
  return { type: 'MeshHTTPRoute', mesh, name: 'route', spec: { targetRef: { kind: 'Mesh' }, to } };
}

function measure(world: World, what: string, run: () => void): void {
  const before = world.graph.stats().recomputed;
  const start = process.cpuUsage();
  const startTime = performance.now();
  run();
  const { user, system } = process.cpuUsage(start);
  const wall = performance.now() - startTime;
  const after = world.graph.stats().recomputed;
  const changed = Object.entries(after).flatMap(([name, count]) =>
    count > (before[name] ?? 0) ? [`${name} ${count - (before[name] ?? 0)}`] : [],
  );
  console.log(
    `${what}: ${Math.round(wall)} ms, ${((user + system) / 1e6).toFixed(3)} CPU s\n    ${changed.join(', ')}`,
  );
}

const world = createWorld();
const watches: Watch<ProxyConfig | undefined>[] = [];
let pushes = 0;
const facts = { features: ['feature-reuse-port'] };

measure(world, 'load', () => {
  world.graph.batch(() => {
    world.apply({
      type: 'Mesh',
      name: mesh,
      mtls: { enabledBackend: 'ca', backends: [{ name: 'ca', type: 'builtin' }] },
    });
    for (let service = 0; service < services; service++) {
      for (let replica = 0; replica < replicas; replica++) world.apply(dataplane(service, replica));
    }
    world.settle();
  });
});
measure(world, `cold: ${services * replicas} proxies`, () => {
  for (let service = 0; service < services; service++) {
    for (let replica = 0; replica < replicas; replica++) {
      const key = world.connect(mesh, `svc-${service}-${replica}`, facts);
      watches.push(world.graph.watch(world.engine.config, [key], () => pushes++));
    }
  }
});
for (let round = 1; round <= 3; round++) {
  pushes = 0;
  measure(world, `mesh-wide MeshTimeout, round ${round}`, () => world.apply(timeout(`${20 + round}s`)));
  console.log(`    pushes ${pushes}`);
}
for (let round = 1; round <= 5; round++) {
  pushes = 0;
  measure(world, `MeshHTTPRoute to one service, round ${round}`, () => world.apply(route(`mark-${round}`)));
  console.log(`    pushes ${pushes}`);
}
for (let round = 1; round <= 3; round++) {
  pushes = 0;
  measure(world, `endpoint of one service, round ${round}`, () => world.apply(dataplane(7, replicas + round)));
  console.log(`    pushes ${pushes}`);
}
pushes = 0;
measure(world, 'policy for one proxy', () => {
  const to = [{ targetRef: { kind: 'Mesh' }, default: { http: { requestTimeout: '1s' } } }];
  world.apply({
    type: 'MeshTimeout',
    mesh,
    name: 'one',
    spec: { targetRef: { kind: 'Dataplane', name: 'svc-3-3' }, to },
  });
});
console.log(`    pushes ${pushes}`);
pushes = 0;
measure(world, 'mTLS off', () => world.apply({ type: 'Mesh', name: mesh }));
console.log(`    pushes ${pushes}`);
globalThis.gc?.();
const { rss, heapUsed } = process.memoryUsage();
console.log(
  `rss ${Math.round(rss / 1048576)} MiB, heap ${Math.round(heapUsed / 1048576)} MiB (after a collection with --expose-gc), kept`,
);
console.log(world.graph.stats().kept);
