// What is kept is bounded by what is there, not by what has been: contents and proxies that are gone leave nothing in the graph.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createWorld, type World } from './world.ts';

const rounds = 20;

function dataplane(name: string, address: string) {
  return {
    type: 'Dataplane',
    mesh: 'default',
    name,
    networking: {
      address,
      inbound: [{ port: 9080, tags: { 'kuma.io/service': 'backend', 'kuma.io/protocol': 'http' } }],
      outbound: [{ port: 10_000, tags: { 'kuma.io/service': 'backend' } }],
    },
  };
}

/** A policy and a route with contents of their own, and a proxy under a name of its own that comes and goes. */
function turn(world: World, number: number): void {
  const to = [{ targetRef: { kind: 'Mesh' }, default: { idleTimeout: `${60 + number}s` } }];
  world.apply({
    type: 'MeshTimeout',
    mesh: 'default',
    name: 'all',
    spec: { targetRef: { kind: 'Mesh' }, to },
  });
  world.apply({
    type: 'MeshHTTPRoute',
    mesh: 'default',
    name: `route-${number}`,
    spec: {
      targetRef: { kind: 'Mesh' },
      to: [
        {
          targetRef: { kind: 'MeshService', name: 'backend' },
          rules: [{ matches: [{ path: { type: 'PathPrefix', value: `/${number}` } }], default: {} }],
        },
      ],
    },
  });
  const name = `guest-${number}`;
  world.apply(dataplane(name, `10.0.1.${number % 250}`));
  const key = world.connect('default', name);
  const watch = world.graph.watch(world.engine.config, [key], () => undefined);
  watch.stop();
  world.sources.proxies.delete(key);
  world.delete('Dataplane', `default/${name}`);
  world.delete('MeshHTTPRoute', `default/route-${number}`);
}

function keptAfter(world: World, from: number, turns: number): Readonly<Record<string, number>> {
  for (let number = from; number < from + turns; number += 1) turn(world, number);
  return world.graph.stats().kept;
}

test('ten times as many changes and replaced proxies leave no more results in the graph', () => {
  const world = createWorld();
  world.apply({ type: 'Mesh', name: 'default' });
  world.apply(dataplane('backend-1', '10.0.0.1'));
  world.settle();
  const resident = world.connect('default', 'backend-1');
  const watch = world.graph.watch(world.engine.config, [resident], () => undefined);
  const early = keptAfter(world, 0, rounds);
  const late = keptAfter(world, rounds, 9 * rounds);
  watch.stop();
  assert.equal(early.config, 1, 'the configuration that is watched is kept');
  assert.equal(early['outbound listener'], 1, 'so is the outbound that the routes are about');
  assert.deepEqual(late, early);
});
