// What a probed inbound says of itself: the finding of its probe, and what follows from it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DataplaneInbound, type DataplaneSpec, keepProbeAnswers, withProbeAnswers } from '@ursa/resources';

const serviceProbe = { tcp: {} };
const dataplane = (inbound: readonly DataplaneInbound[], labels: Readonly<Record<string, string>> = {}) => ({
  labels,
  spec: { networking: { address: '192.0.2.1', inbound: [...inbound] } } satisfies DataplaneSpec,
});
const statesOf = ({ spec }: { readonly spec: unknown }) =>
  ((spec as DataplaneSpec).networking?.inbound ?? []).map(({ state, health }) => [state, health?.ready]);

test('a probed inbound is not ready until its probe says so; others are left alone', () => {
  const fresh = dataplane([{ port: 1, serviceProbe }, { port: 2 }, { port: 3, serviceProbe, state: 'Ignored' }]);
  const written = keepProbeAnswers(fresh, undefined);
  assert.deepEqual(statesOf(written), [
    ['NotReady', false],
    [undefined, undefined],
    ['Ignored', undefined],
  ]);
  const answered = withProbeAnswers(written, (key) => key === '192.0.2.1:1');
  assert.deepEqual(statesOf(answered)[0], ['Ready', true]);
  assert.equal(
    withProbeAnswers(answered, () => undefined),
    answered,
    'no news is no change',
  );
});

test('a Dataplane that is written again, as a file has it, keeps what probes have found', () => {
  const draft = dataplane([{ port: 1, serviceProbe }]);
  for (const ready of [true, false]) {
    const stored = withProbeAnswers(draft, () => ready);
    assert.deepEqual(keepProbeAnswers(draft, stored), stored);
  }
  const moved = dataplane([{ port: 2, serviceProbe }]);
  assert.deepEqual(
    statesOf(
      keepProbeAnswers(
        moved,
        withProbeAnswers(draft, () => true),
      ),
    ),
    [['NotReady', false]],
  );
});

test('an inbound that gets a probe while it takes traffic takes it until the probe says otherwise', () => {
  const probed = dataplane([{ port: 1, serviceProbe }]);
  assert.deepEqual(statesOf(keepProbeAnswers(probed, dataplane([{ port: 1 }]))), [['Ready', true]]);
  assert.deepEqual(statesOf(keepProbeAnswers(probed, dataplane([{ port: 1, state: 'NotReady' }]))), [
    ['NotReady', false],
  ]);
});

test('without its probe an inbound says what its writer says', () => {
  const stored = withProbeAnswers(dataplane([{ port: 1, serviceProbe }]), () => false);
  const draft = dataplane([{ port: 1 }]);
  assert.equal(keepProbeAnswers(draft, stored), draft);
});

test('a proxy that takes no traffic has no ready inbound, whatever its probes say; they are remembered', () => {
  const labels = { 'kuma.io/withheld-ports': '1' };
  const healthy = withProbeAnswers(dataplane([{ port: 1, serviceProbe }], labels), () => true);
  assert.deepEqual(statesOf(healthy), [['NotReady', true]]);
  assert.deepEqual(statesOf(keepProbeAnswers({ ...healthy, labels: {} }, healthy)), [['Ready', true]]);
});
