// Policies that refer to collectors which are not there: their proxies say so, and no others.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mesh, smallMesh } from './small-mesh.ts';
import { createWorld } from './world.ts';

const targetRef = { kind: 'Dataplane', name: 'web-1' };
const refer = (backendRef: object) => ({ type: 'OpenTelemetry', openTelemetry: { backendRef } });
const named = { backends: [refer({ kind: 'MeshOpenTelemetryBackend', name: 'main' })] };
const labelled = { backends: [refer({ kind: 'MeshOpenTelemetryBackend', labels: { stage: 'test' } })] };

function start(policies: readonly object[]) {
  const world = createWorld();
  for (const document of [...smallMesh(), ...policies]) world.apply(document);
  const [first, second] = [world.connect(mesh, 'web-1'), world.connect(mesh, 'web-2')];
  return { world, warnings: () => [first, second].map((key) => world.engine.config.get(key)?.warnings ?? []) };
}

test('each policy that refers to nothing is named on its proxies, wherever the reference stands', () => {
  const { warnings } = start([
    { type: 'MeshMetric', mesh, name: 'metrics', spec: { targetRef, default: named } },
    { type: 'MeshTrace', mesh, name: 'traces', spec: { targetRef, default: labelled } },
    { type: 'MeshAccessLog', mesh, name: 'logs', spec: { targetRef, rules: [{ default: named }] } },
    {
      type: 'MeshAccessLog',
      mesh,
      name: 'calls',
      spec: { targetRef, to: [{ targetRef: { kind: 'Mesh' }, default: labelled }] },
    },
  ]);
  const [first = [], second] = warnings();
  assert.deepEqual(first.map(({ resource }) => resource).sort(), [
    `MeshAccessLog/${mesh}/calls`,
    `MeshAccessLog/${mesh}/logs`,
    `MeshMetric/${mesh}/metrics`,
    `MeshTrace/${mesh}/traces`,
  ]);
  assert.match(
    first.map(({ message }) => message).join(),
    /not there \(main\).*not there \(stage=test\)|stage=test.*main/,
  );
  assert.deepEqual(second, []);
});

test('the warning goes when the collector comes, and comes back when it goes', () => {
  const { world, warnings } = start([{ type: 'MeshTrace', mesh, name: 'traces', spec: { targetRef, default: named } }]);
  const count = () => warnings().map((list) => list.length);
  assert.deepEqual(count(), [1, 0]);
  world.apply({ type: 'MeshOpenTelemetryBackend', mesh, name: 'main', spec: { protocol: 'grpc' } });
  assert.deepEqual(count(), [0, 0]);
  assert.deepEqual(world.engine.collectorRefs.get('MeshTrace', mesh, 'traces'), { total: 1, missing: [] });
  world.delete('MeshOpenTelemetryBackend', `${mesh}/main`);
  assert.deepEqual(count(), [1, 0]);
});
