// Who is served first when many proxies have something to be sent: what cannot wait before what can, in short slices.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { openPushQueue } from '../../src/xds/push-queue.ts';

interface Job {
  readonly name: string;
}

/** A queue whose clock goes on by `cost` milliseconds with each job. */
function openQueue(cost: number) {
  let time = 0;
  const done: string[] = [];
  const work = (text: string): void => {
    time += cost;
    done.push(text);
  };
  const queue = openPushQueue<Job>(
    { run: ({ name }) => work(name), finish: ({ name }) => work(`rest of ${name}`) },
    () => time,
  );
  return { queue, done };
}
const jobs = (...names: readonly string[]): readonly Job[] => names.map((name) => ({ name }));

test('what was postponed comes when nobody else waits, in its order, and each job once', async () => {
  const { queue, done } = openQueue(1);
  const [first, second] = jobs('first', 'second');
  assert.ok(first !== undefined && second !== undefined);
  queue.postpone(second);
  queue.postpone(first);
  for (const job of [first, second, first]) queue.add(job);
  assert.equal(queue.size, 4);
  await turn();
  assert.deepEqual(done, ['first', 'second', 'rest of second', 'rest of first']);
  assert.equal(queue.size, 0);
});

test('a slice ends after some milliseconds, and the next one goes on', async () => {
  const { queue, done } = openQueue(5);
  for (const job of jobs('one', 'two', 'three')) queue.add(job);
  await turn();
  assert.deepEqual(done, ['one', 'two']);
  await turn();
  assert.deepEqual(done, ['one', 'two', 'three']);
});

test('others that never end keep what was postponed waiting for a second', async () => {
  const { queue, done } = openQueue(100);
  const [steady, late] = jobs('steady', 'late');
  assert.ok(steady !== undefined && late !== undefined);
  queue.postpone(late);
  for (let round = 0; round < 12; round += 1) {
    queue.add(steady);
    await turn();
  }
  assert.equal(done.indexOf('rest of late'), 10);
});

test('who is gone is not served', async () => {
  const { queue, done } = openQueue(1);
  const [gone, here] = jobs('gone', 'here');
  assert.ok(gone !== undefined && here !== undefined);
  for (const job of [gone, here]) queue.add(job);
  queue.postpone(gone);
  queue.remove(gone);
  await turn();
  assert.deepEqual(done, ['here']);
});
