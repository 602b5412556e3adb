// From a refusal to the policy at fault: with an Envoy that a test plays, over the real engine and a store in memory.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createGraph } from '@ursa/collections';
import {
  type AdminIdentity,
  type ConnectedProxy,
  type IssuedIdentity,
  type MtlsExit,
  openEngine,
  type PolicyInsight,
  policiesOf,
  policyInsightType,
  presumedProxy,
  type ServiceVip,
  type TrustBundle,
} from '@ursa/engine';
import { builtinPolicies } from '@ursa/policies';
import type { Resource } from '@ursa/resources';
import { openPolicyRefusals } from '../../src/insights/policy-refusals.ts';
import { attemptsOf } from '../../src/insights/suspects.ts';
import { openLiveResources } from '../../src/store/live-resources.ts';
import { openMemoryStore } from '../../src/store/memory-store.ts';

const proxy = 'default/web';
const listener = 'outbound:127.0.0.1:10001';

/** A proxy whose Envoy refuses its outbound as long as one of these policies shapes it. */
async function open(badPolicies: readonly string[], guards: readonly string[] = []) {
  let clock = 0;
  const store = openMemoryStore({ now: () => new Date(1_700_000_000_000 + clock++ * 1000) });
  const graph = createGraph();
  const live = openLiveResources(graph, store);
  const proxies = graph.source<ConnectedProxy>('proxies');
  const inputs = {
    resources: live.resources,
    proxies,
    identities: graph.source<IssuedIdentity>('identities'),
    trust: graph.source<TrustBundle>('trust'),
    mtlsExits: graph.source<MtlsExit>('exits-from-mtls'),
    adminIdentities: graph.source<AdminIdentity>('admin'),
    serviceVips: graph.source<ServiceVip>('vips'),
    settings: {
      zone: 'default',
      environment: 'universal',
      dnsDomain: 'mesh',
      serviceVipPort: 80,
      autoReachableServices: false,
    } as const,
  };
  const engine = openEngine({ graph, inputs, policies: builtinPolicies });
  const put = (resource: Pick<Resource, 'type' | 'name' | 'mesh' | 'spec'>) =>
    store.write([{ kind: 'put', resource: { labels: {}, ...resource } }]);
  await put({ type: 'Mesh', mesh: '', name: 'default', spec: {} });
  const tags = { 'kuma.io/service': 'web', 'kuma.io/protocol': 'http' };
  await put({
    type: 'Dataplane',
    mesh: 'default',
    name: 'web',
    spec: {
      networking: {
        address: '10.0.0.1',
        inbound: [{ port: 80, tags }],
        outbound: [{ port: 10001, tags: { 'kuma.io/service': 'web' } }],
      },
    },
  });
  proxies.set(proxy, {
    ...presumedProxy('default', 'web'),
    features: [],
    admin: { port: 0, address: '127.0.0.1', socketPath: '/admin.sock' },
    readinessPort: 1,
    dnsPort: 2,
    workdir: '/w',
    envoyVersion: '1.40.0',
  });
  const errors: unknown[] = [];
  const refusals = openPolicyRefusals({
    store,
    live,
    engine,
    guards: new Set(guards),
    log: { warn: () => undefined },
    onError: (error) => errors.push(error),
  });
  await refusals.start();
  let pushes = 0;
  /** Envoy gets what the engine says, until nothing new comes. */
  const settle = async (): Promise<void> => {
    for (let sent = ''; ; ) {
      const resource = engine.config.get(proxy)?.resources.listener.get(listener);
      assert.ok(resource !== undefined);
      if (resource.version === sent) break;
      sent = resource.version;
      pushes += 1;
      const held = policiesOf(engine.heldBack.get(proxy));
      const bad = badPolicies.some(
        (name) =>
          live.get({ type: 'MeshTimeout', mesh: 'default', name }) !== undefined &&
          !held.includes(`MeshTimeout/default/${name}`),
      );
      const { type, name, version } = resource;
      if (bad) {
        const message = `Error adding listener ${name}: no`;
        refusals.refused({ proxy, envoyVersion: '1.40.0', message, resources: [{ type, name, version }] });
      } else refusals.accepted(proxy, type, [name]);
      await refusals.settled();
    }
    assert.deepEqual(errors, []);
  };
  /** Each shapes the outbound by a field of its own. */
  const timeout = (name: string, http: object) =>
    put({
      type: 'MeshTimeout',
      mesh: 'default',
      name,
      spec: { targetRef: { kind: 'Mesh' }, to: [{ targetRef: { kind: 'Mesh' }, default: { http } }] },
    });
  const held = () => policiesOf(engine.heldBack.get(proxy)).map((key) => key.split('/')[2]);
  const insights = () => live.list(policyInsightType) as readonly Resource<PolicyInsight>[];
  return { refusals, settle, timeout, held, insights, store, pushes: () => pushes };
}

const three = {
  first: { requestTimeout: '1s' },
  second: { streamIdleTimeout: '2s' },
  third: { requestHeadersTimeout: '3s' },
};

test('attempts: each alone, then together', () => {
  assert.deepEqual(attemptsOf([1, 2, 3]), [[1], [2], [3], [1, 2], [1, 2, 3]]);
  assert.deepEqual(attemptsOf([]), []);
});

for (const bad of [['first'], ['second'], ['third'], ['first', 'third'], ['second', 'third']]) {
  test(`of three policies those at fault are found: ${bad.join(' and ')}`, async () => {
    const { settle, timeout, held, insights, refusals } = await open(bad);
    await settle();
    for (const [name, http] of Object.entries(three)) await timeout(name, http);
    await settle();
    assert.deepEqual(
      bad.every((name) => held().includes(name)),
      true,
    );
    if (bad.length === 1) assert.deepEqual(held(), bad);
    assert.equal(refusals.heldBackPolicies(), held().length);
    assert.ok((refusals.refusedUpdates().listener ?? 0) >= 1);
    for (const { spec } of insights()) assert.match(spec.refusals[0]?.message ?? '', /no$/);
  });
}

test('a change of the policy ends its insight; a worse one is held back again', async () => {
  const { settle, timeout, held, insights, refusals, store } = await open(['first']);
  await timeout('first', { requestTimeout: '1s' });
  await settle();
  assert.deepEqual(held(), ['first']);
  await timeout('first', { requestTimeout: '2s' });
  await refusals.settled();
  assert.deepEqual([held(), insights()], [[], []]);
  await settle();
  assert.deepEqual(held(), ['first']);
  await store.write([{ kind: 'delete', key: { type: 'MeshTimeout', mesh: 'default', name: 'first' } }]);
  await refusals.settled();
  assert.deepEqual([held(), insights()], [[], []]);
});

test('when no policy is at fault nothing is held back, and the search ends', async () => {
  const { settle, timeout, held, insights, pushes } = await open(['first'], ['MeshRetry']);
  await timeout('first', {});
  await settle();
  assert.deepEqual([held(), insights()], [[], []]);
  assert.equal(pushes(), 1);
});

test('a policy that guards access is not held back; its insight says that it is refused', async () => {
  const { settle, timeout, held, insights } = await open(['first'], ['MeshTimeout']);
  await timeout('first', { requestTimeout: '1s' });
  await settle();
  assert.deepEqual(held(), []);
  assert.deepEqual(
    insights().map(({ spec }) => spec.heldBack),
    [false],
  );
});
