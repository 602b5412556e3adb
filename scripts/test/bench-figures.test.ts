// The bench table says "missed" where a goal is missed and leaves out what was not measured.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { figuresOf, formatFigures, type Phase } from '../bench-figures.ts';

const phase = (fields: Partial<Phase> & Pick<Phase, 'Name'>): Phase => ({
  Seconds: 10,
  CPCPU: 0,
  OtherCPU: 0,
  RSSMB: 100,
  ...fields,
});
const start = { startMilliseconds: 200, idleResidentBytes: 90e6 };

test('idle CPU is a share of one core', () => {
  const figures = figuresOf('n1000', [phase({ Name: 'idle', Seconds: 20, CPCPU: 0.1 })], start);
  assert.equal(figures.find((figure) => figure.what === 'idle CPU')?.ours, 0.5);
});

test('a goal that is missed is marked, in both directions', () => {
  const table = formatFigures(
    figuresOf(
      'n1000',
      [
        phase({
          Name: 'endpoint added',
          Lat: { 'from return': { P50: 20, P99: 70, Max: 80 } },
          Extra: { 'cpu s per change': '0.010' },
        }),
        phase({ Name: 'REST GET list size=100', Extra: { 'per second': '900' } }),
      ],
      start,
    ),
  );
  assert.match(table, /\| endpoint added: p99 \| ms \| 70 \| 4520 \| 50 \| missed \|/);
  assert.match(table, /\| endpoint added: CPU \| s \| 0\.01 \| 8\.1 \| 0\.08 \| reached \|/);
  assert.match(table, /\| REST list of 100 \| per second \| 900 \| 14 \| 1000 \| missed \|/);
});

test('a change is counted from its return and from its request on', () => {
  const latencies = { 'from return': { P50: 1, P99: 2, Max: 3 }, 'from request start': { P50: 4, P99: 5, Max: 6 } };
  const figures = figuresOf('n1000', [phase({ Name: 'endpoint added', Lat: latencies })], start);
  assert.deepEqual(
    figures.slice(2).map(({ what, ours }) => [what, ours]),
    [
      ['endpoint added: p99', 2],
      ['endpoint added: p99 from the request on', 5],
    ],
  );
});

test('goals hold over PostgreSQL too; of two control planes those of what is measured of both', () => {
  const phases = [
    phase({ Name: 'idle', Seconds: 20, CPCPU: 0.1 }),
    phase({ Name: 'mTLS on', Lat: { 'from return': { P50: 1, P99: 2, Max: 3 } } }),
  ];
  const goalsOf = (shape: string) =>
    Object.fromEntries(figuresOf(shape, phases, start).map(({ what, goal, peer }) => [what, [goal, peer]]));
  assert.deepEqual(goalsOf('postgres1000')['idle CPU'], [0.5, undefined]);
  assert.deepEqual(goalsOf('postgres1000')['mTLS on: p99'], [2000, undefined]);
  assert.deepEqual(goalsOf('balanced1000')['idle CPU'], [undefined, undefined]);
  assert.deepEqual(goalsOf('balanced1000')['mTLS on: p99'], [2000, undefined]);
});

test('a phase that did not run gives no figure', () => {
  assert.deepEqual(
    figuresOf('n1000', [], start).map((figure) => figure.what),
    ['start: API answers', 'start: RSS idle'],
  );
});
