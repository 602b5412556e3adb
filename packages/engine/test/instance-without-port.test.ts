// A proxy that a MeshService selects and that has no inbound for one of its ports is told by lint, and by explain to who asks for that service.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createWorld } from './world.ts';

const mesh = 'default';

interface Inbound {
  readonly port: number;
  readonly name?: string;
}

/** A mesh with a client and instances of backend, by the inbounds that each has; the service leads to what `targetPort` says. */
function openMesh(targetPort: number | string, instances: Readonly<Record<string, readonly Inbound[]>>) {
  const world = createWorld();
  world.apply({ type: 'Mesh', name: mesh, meshServices: { mode: 'Exclusive' } });
  const dataplane = (name: string, app: string, address: string, inbounds: readonly Inbound[]) => ({
    type: 'Dataplane',
    mesh,
    name,
    labels: { app },
    networking: {
      address,
      inbound: inbounds.map((inbound) => ({
        ...inbound,
        tags: { 'kuma.io/service': app, 'kuma.io/protocol': 'http' },
      })),
      transparentProxying: { redirectPortInbound: 15006, redirectPortOutbound: 15001 },
    },
  });
  world.apply(dataplane('web', 'web', '10.0.0.1', [{ port: 80 }]));
  Object.entries(instances).forEach(([name, inbounds], index) => {
    world.apply(dataplane(name, 'backend', `10.0.1.${index}`, inbounds));
  });
  const ports = [{ port: 80, targetPort, appProtocol: 'http' }];
  const selector = { dataplaneLabels: { matchLabels: { app: 'backend' } } };
  world.apply({ type: 'MeshService', mesh, name: 'backend', spec: { selector, ports } });
  world.settle();
  world.connect(mesh, 'web');
  const lint = world.engine
    .findings(mesh)
    .filter(({ code }) => code === 'instance-without-port' || code === 'service-selects-nothing');
  const question = { mesh, from: 'web', to: 'backend', method: 'GET', path: '/', headers: {} };
  return { lint, explained: world.engine.explain(question) };
}

for (const [what, targetPort, has, lacks] of [
  ['by number', 8080, { port: 8080 }, { port: 9090 }],
  ['by name', 'http', { port: 8080, name: 'http' }, { port: 8080, name: 'admin' }],
] as const) {
  test(`an instance without the target port, ${what}`, () => {
    const { lint, explained } = openMesh(targetPort, { one: [has], two: [lacks], three: [lacks] });
    assert.equal(lint.length, 1);
    const [found] = lint;
    const target = typeof targetPort === 'number' ? `at port ${targetPort}` : `named ${targetPort}`;
    assert.equal(
      found?.message,
      `three, two have no inbound ${target}, to which port 80 of the MeshService backend leads: they get no requests there`,
    );
    assert.deepEqual(
      [found?.severity, found?.resource?.name, found?.field],
      ['warning', 'backend', 'spec.ports[0].targetPort'],
    );
    assert.equal(explained.verdict, 'allowed');
    assert.deepEqual(
      explained.problems.find(({ code }) => code === found?.code),
      found,
    );
  });
}

test('where all instances have it nothing is found; where none has, that the service selects nothing', () => {
  const all = openMesh(8080, { one: [{ port: 8080 }], two: [{ port: 9090 }, { port: 8080 }] });
  assert.deepEqual([all.lint, all.explained.problems], [[], []]);
  const none = openMesh(8080, { one: [{ port: 9090 }], two: [{ port: 9091 }] });
  assert.deepEqual(
    none.lint.map(({ code }) => code),
    ['service-selects-nothing'],
  );
  assert.equal(none.explained.verdict, 'unreachable');
  assert.ok(none.explained.problems.some(({ message }) => message.startsWith('one, two have no inbound at port 8080')));
});

test('many are counted, and a few of them named', () => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
  const { lint } = openMesh(8080, {
    z: [{ port: 8080 }],
    ...Object.fromEntries(names.map((name) => [name, [{ port: 9090 }]])),
  });
  assert.match(lint[0]?.message ?? '', /^a, b, c, d, e and 2 more have no inbound at port 8080/);
});
