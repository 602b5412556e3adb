import assert from 'node:assert/strict';
import { test } from 'node:test';
import { labelNames, type TargetRef } from '@ursa/resources';
import fc from 'fast-check';
import {
  type PolicyHead,
  provenance,
  proxyBuckets,
  type SelectableProxy,
  selectBucket,
  selects,
  selectsSidecars,
  whyNotSelected,
} from '../src/index.ts';
import { fromGlobal, inZone, policy, sidecar } from './small-policies.ts';

const web = sidecar('web-1', [{ 'kuma.io/service': 'web', version: 'v1' }, { 'kuma.io/service': 'admin' }], {
  app: 'web',
});

/** Positions of the inbounds that a policy with this reference applies to. */
function inboundsOf(targetRef: TargetRef | undefined, proxy = web): readonly number[] {
  const head = targetRef === undefined ? policy('some') : policy('some', { targetRef });
  return selects(head, proxy)?.inbounds ?? [];
}

test('a policy without a reference is for the whole mesh', () => {
  assert.deepEqual(inboundsOf(undefined), [0, 1]);
  assert.deepEqual(inboundsOf({ kind: 'Mesh' }), [0, 1]);
});

test('tags select inbounds, each by itself', () => {
  assert.deepEqual(inboundsOf({ kind: 'MeshSubset', tags: { version: 'v1' } }), [0]);
  assert.deepEqual(inboundsOf({ kind: 'MeshSubset', tags: { version: '*' } }), [0]);
  assert.deepEqual(inboundsOf({ kind: 'MeshService', name: 'admin' }), [1]);
  assert.deepEqual(inboundsOf({ kind: 'MeshServiceSubset', name: 'web', tags: { version: 'v2' } }), []);
});

test('a Dataplane is selected by name or by labels, and its inbounds by name or port', () => {
  assert.deepEqual(inboundsOf({ kind: 'Dataplane', name: 'web-1' }), [0, 1]);
  assert.deepEqual(inboundsOf({ kind: 'Dataplane', name: 'web-2' }), []);
  assert.deepEqual(inboundsOf({ kind: 'Dataplane', labels: { app: 'web' }, sectionName: 'port-1' }), [1]);
  assert.deepEqual(inboundsOf({ kind: 'Dataplane', labels: { app: 'web' }, sectionName: '8080' }), [0]);
  assert.deepEqual(inboundsOf({ kind: 'Dataplane', labels: { app: 'db' } }), []);
});

test('a namespace without a name selects no Dataplane', () => {
  assert.deepEqual(inboundsOf({ kind: 'Dataplane', namespace: 'shop' }), []);
  const proxy = sidecar('web-1', [{}], { [labelNames.namespace]: 'shop' });
  const head = policy('some', { targetRef: { kind: 'Dataplane', namespace: 'shop' } });
  assert.equal(selects(head, proxy), undefined);
  assert.match(whyNotSelected(head, proxy) ?? '', /namespace "shop" without a name/);
});

test('a kind of proxy can be left out', () => {
  assert.deepEqual(inboundsOf({ kind: 'Mesh', proxyTypes: ['Sidecar'] }), [0, 1]);
  assert.deepEqual(inboundsOf({ kind: 'Mesh', proxyTypes: ['Gateway'] }), []);
});

test('a policy of another zone applies only when a producer speaks', () => {
  const proxy = sidecar('web-1', [{}], inZone('west'));
  const consumer = policy('some', {}, { ...inZone('east'), [labelNames.policyRole]: 'consumer' });
  const producer = policy('some', {}, { ...inZone('east'), [labelNames.policyRole]: 'producer' });
  assert.equal(selects(consumer, proxy), undefined);
  assert.deepEqual(selects(producer, proxy)?.inbounds, [0]);
});

test('what no zone made is in the reach of the policies of every zone', () => {
  const ofEast = policy('some', {}, inZone('east'));
  assert.deepEqual(selects(ofEast, sidecar('web-1', [{}]))?.inbounds, [0]);
  const gateway = (labels: Readonly<Record<string, string>>): SelectableProxy => {
    const meshGateway = provenance({ name: 'edge', labels });
    const listeners = [{ port: 80, tags: {}, ownTags: {} }];
    return { ...sidecar('edge-1', [], inZone('west')), gateway: { kind: 'builtin', tags: {}, meshGateway, listeners } };
  };
  assert.deepEqual(selects(ofEast, gateway(fromGlobal))?.listeners, [0]);
  assert.equal(selects(ofEast, gateway(inZone('west'))), undefined);
});

test('a consumer speaks for its own namespace only', () => {
  const consumer = (namespace: string) =>
    policy('some', {}, { [labelNames.policyRole]: 'consumer', [labelNames.namespace]: namespace });
  const proxy = sidecar('web-1', [{}], { [labelNames.namespace]: 'shop' });
  assert.deepEqual(selects(consumer('shop'), proxy)?.inbounds, [0]);
  assert.equal(selects(consumer('bank'), proxy), undefined);
});

test('a name in a policy of the global control plane means nothing that a zone made', () => {
  const proxy = sidecar('web-1', [{}], inZone('west'));
  assert.equal(
    selects(policy('some', { targetRef: { kind: 'Dataplane', name: 'web-1' } }, fromGlobal), proxy),
    undefined,
  );
  const own = policy('some', { targetRef: { kind: 'Dataplane', name: 'web-1' } }, inZone('west'));
  assert.deepEqual(selects(own, proxy)?.inbounds, [0]);
});

test('a delegated gateway is selected by its own tags', () => {
  const gateway: SelectableProxy = {
    ...sidecar('kong', []),
    gateway: { kind: 'delegated', tags: { 'kuma.io/service': 'kong' } },
  };
  assert.equal(selects(policy('some', { targetRef: { kind: 'MeshService', name: 'kong' } }), gateway)?.delegated, true);
  assert.equal(selects(policy('some', { targetRef: { kind: 'MeshService', name: 'web' } }), gateway), undefined);
});

test("a policy that selects a proxy is always in one of the proxy's buckets", () => {
  const pairs = fc.dictionary(fc.constantFrom('kuma.io/service', 'app', 'version'), fc.constantFrom('a', 'b'));
  const selector = fc.dictionary(fc.constantFrom('kuma.io/service', 'app', 'version'), fc.constantFrom('a', 'b', '*'));
  const names = fc.constantFrom('a', 'b');
  const anyRef: fc.Arbitrary<TargetRef> = fc.oneof(
    fc.constant<TargetRef>({ kind: 'Mesh' }),
    selector.map((tags): TargetRef => ({ kind: 'MeshSubset', tags })),
    names.map((name): TargetRef => ({ kind: 'MeshService', name })),
    fc.tuple(names, selector).map(([name, tags]): TargetRef => ({ kind: 'MeshServiceSubset', name, tags })),
    names.map((name): TargetRef => ({ kind: 'Dataplane', name })),
    pairs.map((labels): TargetRef => ({ kind: 'Dataplane', labels })),
  );
  const anyProxy = fc
    .tuple(names, fc.array(pairs, { maxLength: 2 }), pairs)
    .map(([name, tags, labels]) => sidecar(name, tags, labels));
  let selected = 0;
  fc.assert(
    fc.property(anyRef, anyProxy, (targetRef, proxy) => {
      const head = policy('some', { targetRef });
      if (selects(head, proxy) === undefined) return;
      selected++;
      assert.ok(sharesBucket(head, proxy), `${JSON.stringify(targetRef)} ${JSON.stringify(proxy)}`);
    }),
    { numRuns: 500 },
  );
  assert.ok(selected > 50);
});

test('a policy for a whole mesh applies to all sidecars of one standing alike', () => {
  const origins = fc.constantFrom({}, fromGlobal, inZone('east'), inZone('west'));
  const roles = fc.constantFrom({}, { [labelNames.policyRole]: 'consumer' }, { [labelNames.policyRole]: 'producer' });
  const namespaces = fc.constantFrom({}, { [labelNames.namespace]: 'shop' }, { [labelNames.namespace]: 'bank' });
  const anyLabels = fc
    .tuple(origins, roles, namespaces)
    .map((parts): Record<string, string> => Object.assign({}, ...parts));
  const anyRef: fc.Arbitrary<TargetRef> = fc
    .constantFrom<NonNullable<TargetRef['proxyTypes']>>([], ['Sidecar'], ['Gateway'], ['Sidecar', 'Gateway'])
    .map((proxyTypes) => ({ kind: 'Mesh', proxyTypes }));
  let selected = 0;
  fc.assert(
    fc.property(anyRef, anyLabels, anyLabels, (targetRef, ofPolicy, ofProxy) => {
      const head = policy('some', { targetRef }, ofPolicy);
      const proxy = sidecar('web-1', [{}, {}], ofProxy);
      const expected = selectsSidecars(head, proxy) ? { inbounds: [0, 1], listeners: [], delegated: false } : undefined;
      assert.deepEqual(selects(head, proxy), expected);
      if (expected !== undefined) selected++;
    }),
    { numRuns: 500 },
  );
  assert.ok(selected > 50 && selected < 450);
});

test('a policy for one proxy is looked for by one proxy', () => {
  const head = policy('some', { targetRef: { kind: 'Dataplane', name: 'web-1' } });
  assert.deepEqual([sharesBucket(head, web), sharesBucket(head, sidecar('web-2', [{}]))], [true, false]);
});

function sharesBucket(head: PolicyHead, proxy: SelectableProxy): boolean {
  const buckets = proxyBuckets(proxy);
  return buckets.includes(selectBucket(head));
}
