// What waits for a store that is down: once each, in order, and of one owner only the newest few.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openUnwritten } from '../../src/insights/unwritten.ts';

const item = (owner: string, id: number) => ({ owner, id });
const idsOf = (items: readonly { readonly id: number }[]) => items.map(({ id }) => id);

test('what was put back comes before what came later, each once', () => {
  const unwritten = openUnwritten<ReturnType<typeof item>>(({ owner }) => owner, 10);
  const [first, second, third] = [item('a', 1), item('b', 2), item('a', 3)];
  unwritten.add([first, second]);
  const taken = unwritten.take(10);
  unwritten.add([third, first]);
  unwritten.putBack(taken);
  assert.deepEqual(idsOf(unwritten.take(2)), [1, 2]);
  assert.deepEqual(idsOf(unwritten.take(2)), [3]);
  assert.deepEqual(unwritten.take(2), []);
});

test('a proxy that connects a thousand times while nothing can be written leaves its newest connections', () => {
  const unwritten = openUnwritten<ReturnType<typeof item>>(({ owner }) => owner, 2);
  for (let id = 1; id <= 1_000; id += 1) {
    unwritten.add([item('a', id)]);
    unwritten.putBack(unwritten.take(200));
  }
  unwritten.add([item('b', 1_001)]);
  assert.deepEqual(idsOf(unwritten.take(10_000)), [999, 1_000, 1_001]);
});
