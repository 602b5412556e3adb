// Values that the rules of a type let in, however large, fit into what Envoy gets.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mesh, smallMesh } from './small-mesh.ts';
import { createWorld } from './world.ts';

const targetRef = { kind: 'Mesh' };
const database = { kind: 'MeshService', name: 'db' };
const failover = {
  crossZone: { failover: [{ to: { type: 'Any' } }], failoverThreshold: { percentage: '0.0000001' } },
};

for (const { type, spec } of [
  {
    type: 'MeshLoadBalancingStrategy',
    spec: { targetRef, to: [{ targetRef: database, default: { localityAwareness: failover } }] },
  },
  {
    type: 'MeshFaultInjection',
    spec: {
      targetRef,
      rules: [{ default: { http: [{ responseBandwidth: { limit: '99999999999999Gbps', percentage: 1 } }] } }],
    },
  },
])
  test(`${type}: all of it can be built`, () => {
    const world = createWorld();
    for (const document of [...smallMesh(), { type, mesh, name: 'extreme', spec }]) world.apply(document);
    const config = world.engine.config.get(world.connect(mesh, 'api-1', { features: ['feature-reuse-port'] }));
    assert.deepEqual(config?.warnings, []);
    assert.ok(config.resources.endpoint.has('db'));
  });
