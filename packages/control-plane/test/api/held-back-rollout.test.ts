// `_rollout` of a proxy from which a policy is held back: it has answered for everything, and still refuses that policy.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createGraph } from '@ursa/collections';
import { policyInsightType } from '@ursa/engine';
import { withHeldBack } from '../../src/api/held-back-rollout.ts';
import { openLiveResources } from '../../src/store/live-resources.ts';
import { openMemoryStore } from '../../src/store/memory-store.ts';
import type { ProxyState, RolloutViews } from '../../src/xds/rollout.ts';

const policy = { type: 'MeshHTTPRoute', mesh: 'default', name: 'stamp' };
const refusal = {
  proxy: 'default/web',
  envoyVersion: '1.40.0',
  resources: [],
  message: 'no such thing',
  since: 'today',
};

async function statesOf(heldBack: string, state: ProxyState) {
  const graph = createGraph();
  const store = openMemoryStore();
  const live = openLiveResources(graph, store);
  if (heldBack !== '') {
    const insight = { policy, content: '', heldBack: true, everywhere: false, refusals: [refusal] };
    const key = { type: policyInsightType, mesh: 'default', name: 'MeshHTTPRoute.stamp' };
    await store.write([{ kind: 'put', resource: { ...key, labels: {}, spec: insight } }]);
  }
  const rollout: RolloutViews = {
    at: () => ({
      processed: 5,
      proxies: ['api', 'web'].map((name) => ({ proxy: { type: 'Dataplane', mesh: 'default', name }, state })),
    }),
    onProgress: () => ({ stop() {} }),
  };
  const engine = {
    heldBack: graph.derive('held back', (key: string) => (key === 'default/web' ? heldBack : '')),
  };
  return withHeldBack(rollout, live, engine).at(5).proxies;
}

test('a proxy that does without a policy refuses it, with the words of Envoy', async () => {
  const [api, web] = await statesOf('MeshHTTPRoute/default/stamp', 'acked');
  assert.deepEqual([api?.state, api?.heldBack], ['acked', undefined]);
  assert.equal(web?.state, 'refused');
  assert.deepEqual(web?.heldBack, [{ ...policy, message: 'no such thing', since: 'today' }]);
});

test('what is on its way stays pending, and without refusals nothing is added', async () => {
  assert.equal((await statesOf('MeshHTTPRoute/default/stamp', 'pending')).at(1)?.state, 'pending');
  assert.deepEqual(
    (await statesOf('', 'acked')).map(({ state }) => state),
    ['acked', 'acked'],
  );
});
