// Which kinds each policy takes where: a table of its own, so that a change of a definition shows here. Every kind that is not in it is refused.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type TargetRefKind, targetRefKinds } from '@ursa/resources';
import { builtinPolicies } from '../src/index.ts';

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
};

const named: Kinds = [
  'MeshService',
  'MeshServiceSubset',
  'MeshGateway',
  'MeshHTTPRoute',
  'MeshExternalService',
  'MeshMultiZoneService',
  'Dataplane',
];
const reference = (kind: TargetRefKind) => ({ kind, ...(named.includes(kind) ? { name: 'some' } : {}) });

/** Kinds that a policy does not refuse in a place. */
function accepted(type: string, place: 'targetRef' | 'to' | 'from'): Kinds {
  const policy = builtinPolicies.find(({ name }) => name === type);
  assert.ok(policy, type);
  const field = place === 'targetRef' ? 'spec.targetRef.kind' : `spec.${place}[0].targetRef.kind`;
  return targetRefKinds.filter((kind) => {
    const entry = [{ targetRef: reference(kind), default: {} }];
    const spec = place === 'targetRef' ? { targetRef: reference(kind) } : { [place]: entry };
    const facts = { mesh: 'default', name: 'some', labels: {} };
    const found = policy.resourceType.validate?.(spec as never, facts) ?? [];
    const refusals = found.filter((violation) => violation.field === field);
    for (const { message } of refusals) assert.equal(message, `value '${kind}' is not supported`);
    return refusals.length === 0;
  });
}

for (const [type, support] of Object.entries(matrix)) {
  test(`${type} takes these kinds and refuses every other one`, () => {
    for (const place of ['targetRef', 'to', 'from'] as const) {
      const listed = support[place];
      if (listed !== undefined)
        assert.deepEqual(accepted(type, place).toSorted(), listed.toSorted(), `${type} ${place}`);
    }
  });
}
