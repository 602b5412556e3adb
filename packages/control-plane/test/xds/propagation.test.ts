// When a change has arrived: with the last answer of the proxies it concerns, and of no other.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { followPropagation, type PropagatedChange } from '../../src/xds/propagation.ts';

function follow() {
  const arrived: PropagatedChange[] = [];
  const clock = { time: 0 };
  const propagation = followPropagation({ arrived: (change) => arrived.push(change) }, () => clock.time);
  return { arrived, clock, propagation };
}

test('a change has arrived when the last proxy has answered, counted from the beginning of the write', () => {
  const { arrived, clock, propagation } = follow();
  const [one, two, three] = [propagation.waiter(), propagation.waiter(), propagation.waiter()] as const;
  clock.time = 10;
  one.offered(7);
  two.offered(7);
  propagation.applied(7);
  propagation.written(7, 4);
  one.answered(undefined);
  three.answered(undefined);
  assert.deepEqual([arrived, propagation.underway()], [[], 1]);
  clock.time = 25;
  two.refused();
  two.answered(undefined);
  const expected = { revision: 7, proxies: 2, refused: 1, gone: 0, milliseconds: 21 };
  assert.deepEqual([arrived, propagation.underway()], [[expected], 0]);
});

test('what changes a configuration between two changes of the store belongs to none', () => {
  const { arrived, propagation } = follow();
  const waiter = propagation.waiter();
  propagation.applied(7);
  waiter.offered(7);
  waiter.answered(undefined);
  assert.deepEqual([arrived, propagation.underway()], [[], 0]);
});

test('under steady change each arrives on its own', () => {
  const { arrived, propagation } = follow();
  const waiter = propagation.waiter();
  for (const revision of [1, 2, 3]) {
    waiter.offered(revision);
    propagation.applied(revision);
  }
  waiter.answered(3);
  assert.deepEqual(
    arrived.map(({ revision }) => revision),
    [1, 2],
  );
  waiter.answered(undefined);
  assert.deepEqual(arrived.at(-1)?.revision, 3);
});

test('a proxy that goes away holds nothing up', () => {
  const { arrived, propagation } = follow();
  const [stays, goes] = [propagation.waiter(), propagation.waiter()] as const;
  stays.offered(1);
  goes.offered(1);
  propagation.applied(1);
  stays.answered(undefined);
  goes.gone();
  assert.deepEqual([arrived[0]?.gone, arrived[0]?.proxies], [1, 2]);
});

test('a proxy that never answers costs no memory', () => {
  const { arrived, propagation } = follow();
  const waiter = propagation.waiter();
  for (let revision = 1; revision <= 1000; revision += 1) {
    waiter.offered(revision);
    propagation.applied(revision);
  }
  assert.equal(propagation.underway(), 64);
  waiter.answered(undefined);
  assert.deepEqual([arrived.length, propagation.underway()], [64, 0]);
});
