// A loop that takes turns lets others run in between, but not in every round.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { takeTurns } from '../src/turns.ts';

/** How often another task ran during a loop of a hundred rounds. */
async function turnsOfOthers(slice: number): Promise<number> {
  let others = 0;
  const other = (): void => {
    others += 1;
    waiting = setImmediate(other);
  };
  let waiting = setImmediate(other);
  const turn = takeTurns(slice);
  for (let round = 0; round < 100; round += 1) await turn();
  clearImmediate(waiting);
  return others;
}

test('others get their turn when a slice is over, and not before', async () => {
  assert.equal(await turnsOfOthers(60_000), 0);
  assert.ok((await turnsOfOthers(0)) >= 99);
});
