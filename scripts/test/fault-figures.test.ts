// What decides whether a fault's promise was kept, and how it is told.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { atMost, isMet, reported } from '../../faults/harness/fault.ts';
import { describeLost, secondsToRecover } from '../../faults/harness/load.ts';
import { lowerEnvelope, slopePerHour } from '../../faults/harness/slope.ts';
import { formatFigure } from '../../faults/harness/table.ts';

test('a promise is kept up to its bound; what could not be measured breaks it', () => {
  assert.equal(isMet(atMost(0, 'lost', 0)), true);
  assert.equal(isMet(atMost(0, 'lost', 1)), false);
  assert.equal(isMet(atMost(2, 'sync', undefined, 's')), false);
  assert.equal(isMet(reported('memory', undefined)), true);
});

test('figures say what was promised beside what was measured', () => {
  assert.equal(formatFigure(atMost(2, 'in sync', 1.234, 's')), 'in sync: 1.23 s  (promised: ≤ 2 s)');
  assert.equal(formatFigure(atMost(0, 'lost', 3)), 'lost: 3  (promised: 0)  MISSED');
  assert.equal(
    formatFigure(atMost(2, 'in sync', undefined, 's')),
    'in sync: not within the patience of the test  (promised: ≤ 2 s)  MISSED',
  );
  assert.equal(formatFigure(reported('memory', 123.4, 'MiB')), 'memory: 123 MiB');
});

test('losses: when the last one was, and of what kinds', () => {
  const lost = [
    { at: 1000, kind: 'kept', reason: 'status 503' },
    { at: 3000, kind: 'kept', reason: 'status 503' },
  ] as const;
  assert.equal(secondsToRecover({ lost }, 500), 2.5);
  assert.equal(secondsToRecover({ lost: [] }, 500), 0);
  assert.equal(describeLost({ lost: [], streamBreaks: [] }), 'nothing lost');
  assert.match(
    describeLost({ lost, streamBreaks: [] }),
    /^2 × kept: status 503, between 00:00:01.000 and 00:00:03.000$/,
  );
});

test('the trend of a series', () => {
  const samples = Array.from({ length: 10 }, (_, index) => ({ at: index * 60, value: 100 + index }));
  assert.equal(Math.round(slopePerHour(samples)), 60);
  assert.equal(slopePerHour(samples.slice(0, 1)), 0);
});

test('garbage that comes and goes is no growth of the least, and a leak below it is', () => {
  const series = (leakPerHour: number) =>
    Array.from({ length: 360 }, (_, index) => {
      const at = index * 10;
      // Collected every quarter of an hour, and at the end there is the most of it.
      return { at, value: 100 + (leakPerHour * at) / 3600 + ((at % 900) / 900) * 50 };
    });
  const wobble = slopePerHour(series(0).slice(0, 350).toSpliced(0, 5));
  assert.ok(Math.abs(wobble) > 1, `the line through all of it says ${wobble}`);
  const growth = (leakPerHour: number) => slopePerHour(lowerEnvelope(series(leakPerHour), 4));
  assert.ok(Math.abs(growth(0)) < 0.01, String(growth(0)));
  assert.ok(Math.abs(growth(12) - 12) < 0.1, String(growth(12)));
  assert.deepEqual(lowerEnvelope([], 4), []);
  assert.deepEqual(lowerEnvelope([{ at: 5, value: 1 }], 4), [{ at: 5, value: 1 }]);
});
