// `kumactl rollout status` with several instances of the control plane: what one of them does not say counts as not known.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type ControlPlaneStub, openControlPlaneStub } from './control-plane-stub.ts';

const answer = {
  ...{ revision: 7, processed: 7, done: false, counts: { acked: 3, pending: 0, refused: 0, total: 3 }, items: [] },
  silentInstances: [{ instance: 'cp-2', reason: 'the instance cp-2 (10.0.0.2:5683) did not answer within 2 s' }],
};
let stub: ControlPlaneStub;
before(async () => {
  stub = await openControlPlaneStub(() => ({ body: answer }));
});
after(() => stub.close());

test('a roll-out is not over while an instance is silent', async () => {
  const { code, stdout, stderr } = await stub.run(['rollout', 'status', '--revision', '7']);
  assert.notEqual(code, 0);
  assert.match(stdout, /3 of 3 proxies have it, no answer from cp-2/);
  assert.match(stderr, /of another instance have is not known: the instance cp-2 \(10\.0\.0\.2:5683\) did not answer/);
});
