// Servers outside of the mesh with priorities: explain says when nothing would find out that one is away.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { builtinPolicies } from '@ursa/policies';
import { createWorld, type World } from './world.ts';

const mesh = 'default';

function openOutside(endpoints: readonly object[]): World {
  const world = createWorld(builtinPolicies, 'default');
  const backends = [{ name: 'ca-1', type: 'builtin' }];
  const mtls = { enabledBackend: 'ca-1', backends };
  world.apply({
    type: 'Mesh',
    name: mesh,
    mtls,
    meshServices: { mode: 'Exclusive' },
    skipCreatingInitialPolicies: ['*'],
  });
  const inbound = [{ port: 8080, tags: { 'kuma.io/service': 'web' } }];
  const outbound = [{ port: 10001, backendRef: { kind: 'MeshExternalService', name: 'pay', port: 80 } }];
  world.apply({ type: 'Dataplane', mesh, name: 'web-1', networking: { address: '192.0.2.1', inbound, outbound } });
  world.apply({ type: 'ZoneEgress', name: 'egress-1', networking: { address: '192.0.2.8', port: 10002 } });
  world.apply({ type: 'MeshExternalService', mesh, name: 'pay', spec: { match: { port: 80 }, endpoints } });
  world.settle();
  world.connect(mesh, 'web-1');
  world.connect('', 'egress-1', { proxyType: 'egress' });
  return world;
}

function problemsOf(world: World): readonly string[] {
  const question = { mesh, from: 'web', to: 'pay', method: 'GET', path: '/', headers: {} };
  const { verdict, problems } = world.engine.explain(question);
  assert.equal(verdict, 'allowed');
  return problems.map(({ code }) => code).filter((code) => code === 'priority-without-check');
}

const first = { address: '192.0.2.21', port: 80 };
const second = { address: '192.0.2.22', port: 80, priority: 1 };

test('priorities need a health check or outlier detection of the whole mesh', () => {
  const world = openOutside([first, second]);
  assert.deepEqual(problemsOf(world), ['priority-without-check']);
  const everything = { targetRef: { kind: 'Mesh' } };
  const outlierDetection = { interval: '1s', detectors: { totalFailures: { consecutive: 1 } } };
  world.apply({
    ...{ type: 'MeshCircuitBreaker', mesh, name: 'all' },
    spec: { ...everything, to: [{ ...everything, default: { outlierDetection } }] },
  });
  assert.deepEqual(problemsOf(world), []);
  world.delete('MeshCircuitBreaker', `${mesh}/all`);
  world.apply({
    ...{ type: 'MeshHealthCheck', mesh, name: 'all' },
    spec: { ...everything, to: [{ ...everything, default: { interval: '1s', tcp: {} } }] },
  });
  assert.deepEqual(problemsOf(world), []);
});

test('a host name that is of no service is told how it could be one', () => {
  const question = { mesh, from: 'web', to: 'www.example.com', method: 'GET', path: '/', headers: {} };
  const { problems } = openOutside([first]).engine.explain(question);
  assert.match(problems[0]?.fix ?? '', /a server outside of the mesh is one of it with a MeshExternalService/);
});

test('servers of one priority need none', () => {
  assert.deepEqual(problemsOf(openOutside([first, { ...second, priority: 0 }])), []);
});
