// Balancing: who has too many sends some away, a few at a time, each proxy once; in the end nobody differs by more than a fifth.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { balance, surplusOf } from '../../src/instances/balance.ts';
import type { KnownInstance } from '../../src/instances/instances.ts';
import { manualClock } from '../identity/live-store.ts';
import { silent } from './led.ts';

const interval = 5000;

test('only who has clearly too many sends any away, and a tenth of them at once', () => {
  assert.equal(surplusOf(10, [10, 10]), 0);
  assert.equal(surplusOf(2, [2, 1]), 0, 'three proxies cannot be divided by two');
  assert.equal(surplusOf(2, [2, 0]), 1);
  assert.equal(surplusOf(107, [107, 100]), 0);
  assert.equal(surplusOf(2000, [2000, 0]), 200);
  assert.equal(surplusOf(0, [2000, 0]), 0);
  assert.equal(surplusOf(0, [0, 0]), 0);
});

/** Instances whose proxies go to the next one when they are sent away, but for the first `returns`, which come back. */
function openFleet(counts: readonly number[], returns = 0) {
  const clock = manualClock(0);
  const sets = counts.map((count, instance) => new Set(Array.from({ length: count }, (_, n) => `m/${instance}-${n}`)));
  const ids = counts.map((_, instance) => `i${instance}`);
  const beats: ((living: readonly KnownInstance[]) => void)[] = [];
  let moves = 0;
  let mostAtOnce = 0;
  const parts = sets.map((set, instance) =>
    balance({
      catalog: {
        self: ids[instance] ?? '',
        onBeat(listener) {
          beats[instance] = listener;
          return { stop: () => undefined };
        },
      },
      clock,
      interval,
      connected: () => [...set],
      sendAway(key) {
        moves += 1;
        if (moves <= returns) return;
        set.delete(key);
        sets[(instance + 1) % sets.length]?.add(key);
      },
      random: () => 0.5,
      log: silent,
    }),
  );
  return {
    sizes: () => sets.map(({ size }) => size),
    moves: () => moves,
    mostAtOnce: () => mostAtOnce,
    async run(rounds: number) {
      for (const part of parts) await part.start();
      for (let round = 0; round < rounds; round += 1) {
        const living = sets.map(({ size }, instance) => ({ id: ids[instance], proxies: size }) as KnownInstance);
        const before = moves;
        for (const beat of beats) beat(living);
        clock.moveTo(clock.now() + interval);
        mostAtOnce = Math.max(mostAtOnce, moves - before);
      }
      for (const part of parts) await part.stop();
      assert.equal(clock.timers(), 0);
    },
  };
}

test('after a restart of one instance, all have about the same within a minute', async () => {
  for (const counts of [
    [20, 0],
    [100, 100, 0],
    [3000, 0],
    [7, 6, 0, 0],
  ]) {
    const fleet = openFleet(counts);
    await fleet.run(24);
    const sizes = fleet.sizes();
    const mean = sizes.reduce((sum, size) => sum + size, 0) / sizes.length;
    const skew = Math.max(...sizes) - Math.min(...sizes);
    assert.ok(skew <= Math.max(0.2 * mean, 2), `${counts} became ${sizes}`);
  }
});

test('a large fleet moves a tenth at a time', async () => {
  const fleet = openFleet([3000, 0]);
  await fleet.run(24);
  assert.ok(fleet.mostAtOnce() <= 300, String(fleet.mostAtOnce()));
});

test('a few proxies that all come back by chance are sent away again', async () => {
  const fleet = openFleet([4, 0], 4);
  await fleet.run(12);
  assert.deepEqual(fleet.sizes(), [2, 2]);
});

test('proxies that know no other instance are sent away thrice an hour at most', async () => {
  const fleet = openFleet([40, 0], Number.POSITIVE_INFINITY);
  await fleet.run(600);
  assert.equal(fleet.moves(), 120);
});
