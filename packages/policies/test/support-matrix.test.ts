// Which kinds each policy takes where: a table of its own, so that a change of a definition shows here. Every kind that is not in it is refused.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TargetRefKind } from '@ursa/resources';
import { builtinPolicies } from '../src/index.ts';
import { acceptedKinds, refusedKinds } from './accepted-forms.ts';

type Kinds = readonly TargetRefKind[];

interface Support {
  readonly targetRef: Kinds;
  readonly to?: Kinds;
  readonly from?: Kinds;
}

const proxies: Kinds = ['Mesh', 'MeshSubset', 'MeshService', 'MeshServiceSubset', 'Dataplane'];
const gateways: Kinds = [...proxies, 'MeshGateway'];
const routes: Kinds = [...gateways, 'MeshHTTPRoute'];
const clients: Kinds = ['Mesh', 'MeshSubset', 'MeshService', 'MeshServiceSubset'];
const services: Kinds = ['MeshService', 'MeshExternalService', 'MeshMultiZoneService'];

// Of `to` under a top-level reference to the whole mesh.
const matrix: Readonly<Record<string, Support>> = {
  MeshCircuitBreaker: { targetRef: gateways, to: ['Mesh', ...services], from: ['Mesh'] },
  MeshFaultInjection: { targetRef: gateways, to: ['Mesh'], from: clients },
  MeshHealthCheck: { targetRef: gateways, to: ['Mesh', ...services] },
  MeshHTTPRoute: { targetRef: gateways, to: services },
  MeshRateLimit: { targetRef: routes, to: ['Mesh'], from: ['Mesh'] },
  MeshRetry: { targetRef: routes, to: ['Mesh', ...services, 'MeshHTTPRoute'] },
  MeshTCPRoute: { targetRef: gateways, to: services },
  MeshTimeout: { targetRef: routes, to: ['Mesh', ...services, 'MeshHTTPRoute'], from: ['Mesh'] },
  MeshTrafficPermission: { targetRef: proxies, from: clients },
  MeshAccessLog: { targetRef: gateways, to: ['Mesh', ...services, 'MeshHTTPRoute'], from: ['Mesh'] },
  MeshLoadBalancingStrategy: {
    targetRef: gateways,
    to: ['Mesh', 'MeshService', 'MeshMultiZoneService', 'MeshHTTPRoute'],
  },
  MeshMetric: { targetRef: gateways },
  MeshPassthrough: { targetRef: ['Mesh', 'MeshSubset', 'Dataplane'] },
  MeshProxyPatch: { targetRef: gateways },
  MeshTLS: { targetRef: ['Mesh', 'MeshSubset', 'Dataplane'], from: ['Mesh'] },
  MeshTrace: { targetRef: gateways },
};

test('the table has every policy', () => {
  assert.deepEqual(Object.keys(matrix).sort(), builtinPolicies.map(({ name }) => name).sort());
});

for (const [type, support] of Object.entries(matrix)) {
  test(`${type} takes these kinds and refuses every other one`, () => {
    const policy = builtinPolicies.find(({ name }) => name === type);
    assert.ok(policy, type);
    for (const place of ['targetRef', 'to', 'from'] as const) {
      const listed = support[place];
      if (listed === undefined) continue;
      const answers = refusedKinds(policy, place);
      assert.deepEqual(acceptedKinds(policy, place).toSorted(), listed.toSorted(), `${type} ${place}`);
      for (const { kind, messages } of answers) {
        for (const message of messages) assert.equal(message, `value '${kind}' is not supported`);
      }
    }
  });
}
