// Fields of a Mesh that do nothing yet are named on the configurations of its proxies.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MeshSpec } from '@ursa/resources';
import { idleMeshFields } from '../src/mesh-idle.ts';

const backends = [{ name: 'one' }];
const idle: readonly [field: string, spec: MeshSpec][] = [
  ['tracing', { tracing: { backends } }],
  ['logging', { logging: { backends } }],
  ['routing.localityAwareLoadBalancing', { routing: { localityAwareLoadBalancing: true } }],
];

for (const [field, spec] of idle) {
  test(`${field} is said to have no effect`, () => {
    const [message, ...others] = idleMeshFields('default', spec);
    assert.ok(message?.startsWith(`${field} of the Mesh default has no effect yet: `), message);
    assert.deepEqual(others, []);
  });
}

test('nothing is said of what has effect, or of what is off', () => {
  const spec: MeshSpec = {
    mtls: { enabledBackend: 'ca-1', backends: [{ name: 'ca-1', type: 'builtin' }] },
    networking: { outbound: { passthrough: false } },
    routing: { zoneEgress: true, defaultForbidMeshExternalServiceAccess: true },
    tracing: { backends: [] },
    meshServices: { mode: 'Exclusive' },
  };
  assert.deepEqual(idleMeshFields('default', spec), []);
});
