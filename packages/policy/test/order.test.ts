import assert from 'node:assert/strict';
import { test } from 'node:test';
import { labelNames, type TargetRef } from '@ursa/resources';
import fc from 'fast-check';
import { comparePolicies, type PolicyHead, toEntries } from '../src/index.ts';
import { entry, fromGlobal, inZone, policy } from './small-policies.ts';

/** Names of the policies, the weakest first. */
function namesInOrder(policies: readonly PolicyHead[]): string[] {
  return policies.toSorted(comparePolicies).map((head) => head.name);
}

// The names are against what is expected, so that a criterion that is left out shows.
function assertOrder(...policies: readonly PolicyHead[]): void {
  const expected = policies.map((head) => head.name);
  assert.deepEqual(namesInOrder(policies), expected);
  assert.deepEqual(namesInOrder(policies.toReversed()), expected);
}

test('a narrower kind at the top wins', () => {
  const refs: TargetRef[] = [
    { kind: 'Mesh' },
    { kind: 'Dataplane' },
    { kind: 'MeshSubset' },
    { kind: 'MeshGateway', name: 'edge' },
    { kind: 'MeshService', name: 'web' },
    { kind: 'MeshServiceSubset', name: 'web' },
    { kind: 'MeshHTTPRoute', name: 'route' },
  ];
  assertOrder(...refs.map((targetRef, position) => policy(`a${position}`, { targetRef })));
});

test('among Dataplanes a name wins over labels and a section over the whole proxy', () => {
  assertOrder(
    policy('a', { targetRef: { kind: 'Dataplane', labels: { app: 'web' } } }),
    policy('b', { targetRef: { kind: 'Dataplane', labels: { app: 'web' }, sectionName: 'http' } }),
    policy('c', { targetRef: { kind: 'Dataplane', name: 'web-1' } }),
    policy('d', { targetRef: { kind: 'Dataplane', name: 'web-1', sectionName: 'http' } }),
  );
});

test('what a zone says wins over what the global control plane says', () => {
  assertOrder(policy('a', {}, fromGlobal), policy('b'), policy('c', {}, inZone('east')));
});

test('a gateway policy for listeners with more tags wins', () => {
  assertOrder(
    policy('a', { targetRef: { kind: 'MeshGateway', name: 'edge' } }),
    policy('b', { targetRef: { kind: 'MeshGateway', name: 'edge', tags: { port: 'http' } } }),
    policy('c', { targetRef: { kind: 'MeshGateway', name: 'edge', tags: { port: 'http', host: 'one' } } }),
  );
});

test('the workload owner wins over the consumer, the consumer over the producer, the producer over the operator', () => {
  const roles = ['system', 'producer', 'consumer', 'workload-owner'];
  assertOrder(...roles.map((role, position) => policy(`a${position}`, {}, { [labelNames.policyRole]: role })));
});

test('entries for a narrower destination win within one rank of policies', () => {
  const policies = [
    policy('a', { to: [entry({ kind: 'Mesh' }, 1)] }),
    policy('b', { to: [entry({ kind: 'MeshService', name: 'web' }, 2)] }),
    policy('c', { to: [entry({ kind: 'MeshService', name: 'web', sectionName: 'http' }, 3)] }),
  ];
  assert.deepEqual(
    toEntries(policies.toReversed()).map((item) => item.entry.default),
    [1, 2, 3],
  );
});

test('between equals the alphabetically first name wins, by the name its author gave it', () => {
  assertOrder(policy('b'), policy('a'));
  assertOrder(
    policy('a-hashed', {}, { [labelNames.displayName]: 'z' }),
    policy('b-hashed', {}, { [labelNames.displayName]: 'y' }),
  );
});

test('policies of one name, made in two zones, keep the order of lists', () => {
  const named = (name: string) => policy(name, {}, { [labelNames.displayName]: 'same' });
  assertOrder(named('a-of-east'), named('b-of-west'));
});

test('the order of any policies does not depend on the order they come in', () => {
  const refs: TargetRef[] = [{ kind: 'Mesh' }, { kind: 'Dataplane' }, { kind: 'Dataplane', name: 'web' }];
  const anyPolicy = fc
    .tuple(fc.constantFrom(...refs), fc.constantFrom({}, fromGlobal, inZone('east')), fc.constantFrom('a', 'b'))
    .map(([targetRef, labels, displayName]) => ({
      targetRef,
      labels: { ...labels, [labelNames.displayName]: displayName },
    }));
  fc.assert(
    fc.property(fc.array(anyPolicy, { maxLength: 8 }), fc.func(fc.integer()), (drafts, shuffle) => {
      const policies = drafts.map(({ targetRef, labels }, position) =>
        policy(`name-${position}`, { targetRef }, labels),
      );
      const shuffled = policies.toSorted((first, second) => shuffle(first.name) - shuffle(second.name));
      assert.deepEqual(namesInOrder(shuffled), namesInOrder(policies));
    }),
  );
});
