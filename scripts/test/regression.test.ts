// The regression gate: fails above a fifth more, on what was not measured, and not on noise below the goal for an idle control plane.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { best, compare, formatVerdicts, type Measurement } from '../regression/measurement.ts';

const baseline: Measurement = {
  bytesPerChange: { policy: 1000, route: 100 },
  recomputedPerProxy: 60,
  cpuPerChange: 10,
  cpuPerSwitch: 100,
  idleWakeUps: 1.5,
  idleCpu: 0.2,
};
const failedIn = (changes: Partial<Measurement>) =>
  compare({ ...baseline, ...changes }, baseline)
    .filter(({ failed }) => failed)
    .map(({ what }) => what);

test('a fifth more is allowed, anything above is not, less is always', () => {
  assert.deepEqual(failedIn({}), []);
  assert.deepEqual(failedIn({ recomputedPerProxy: 72, cpuPerChange: 12 }), []);
  assert.deepEqual(failedIn({ recomputedPerProxy: 72.1 }), ['recomputed per proxy']);
  assert.deepEqual(failedIn({ cpuPerChange: 12.1 }), ['CPU per change (calibrations)']);
  assert.deepEqual(failedIn({ cpuPerSwitch: 121 }), ['CPU of mTLS on or off (calibrations)']);
  assert.deepEqual(failedIn({ bytesPerChange: { policy: 1201, route: 1 } }), ['bytes per change: policy']);
});

test('what was not measured fails', () => {
  assert.deepEqual(failedIn({ bytesPerChange: { policy: 1000 } }), ['bytes per change: route']);
  assert.deepEqual(failedIn({ bytesPerChange: { ...baseline.bytesPerChange, new: 1 } }), ['bytes per change: new']);
  assert.deepEqual(failedIn({ idleWakeUps: Number.POSITIVE_INFINITY, recomputedPerProxy: Number.NaN }), [
    'recomputed per proxy',
    'idle wake-ups per second',
  ]);
});

test('an idle control plane may do as little as it likes, and a ticker is found', () => {
  assert.deepEqual(failedIn({ idleWakeUps: 4.7, idleCpu: 4.7 }), []);
  assert.deepEqual(failedIn({ idleWakeUps: 1.24 + 4 }), ['idle wake-ups per second']);
  assert.deepEqual(failedIn({ idleCpu: 4.9 }), ['idle CPU (% of a core)']);
});

test('of several runs the least of each figure counts', () => {
  const other = { ...baseline, cpuPerChange: 8, idleCpu: 0.4, bytesPerChange: { policy: 900, route: 110 } };
  assert.deepEqual(best([baseline, other]), {
    ...baseline,
    cpuPerChange: 8,
    bytesPerChange: { policy: 900, route: 100 },
  });
  assert.match(
    formatVerdicts(compare({ ...baseline, cpuPerChange: 20 }, baseline)),
    /\| 20 \| 10 \| 12 \| too much \|/,
  );
});
