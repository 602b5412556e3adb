import assert from 'node:assert/strict';
import { test } from 'node:test';
import { announceMoves } from '../../src/identity/announced-moves.ts';

interface Order {
  readonly name: string;
  readonly move: boolean;
}

function open() {
  const placed: (readonly [holder: string, name: string | undefined])[] = [];
  const announcements: (() => void)[] = [];
  const issuing = {
    order: (holder: string, order: Order | undefined) => void placed.push([holder, order?.name]),
    renew: () => {},
    settled: async () => {},
    states: () => [],
    stop: () => {},
  };
  const moves = announceMoves<Order>(issuing, {
    isMove: (_holder, { move }) => move,
    announce: () => new Promise((resolve) => announcements.push(resolve)),
  });
  const finish = async (position: number): Promise<void> => {
    announcements[position]?.();
    await Promise.resolve();
    await Promise.resolve();
  };
  return { moves, placed, announcements, finish };
}

test('an order that is no move is placed at once', () => {
  const { moves, placed, announcements } = open();
  moves.order('web', { name: 'first', move: false });
  assert.deepEqual([placed, announcements.length], [[['web', 'first']], 0]);
});

test('a move waits for its announcement, and only the last one counts', async () => {
  const { moves, placed, finish } = open();
  moves.order('web', { name: 'one', move: true });
  moves.order('web', { name: 'two', move: true });
  await finish(0);
  assert.deepEqual(placed, []);
  await finish(1);
  assert.deepEqual(placed, [['web', 'two']]);
});

test('a holder that leaves, or issuing that stops, ends the wait', async () => {
  const left = open();
  left.moves.order('web', { name: 'one', move: true });
  left.moves.order('web', undefined);
  await left.finish(0);
  assert.deepEqual(left.placed, [['web', undefined]]);
  const stopped = open();
  stopped.moves.order('web', { name: 'one', move: true });
  stopped.moves.stop();
  await stopped.finish(0);
  assert.deepEqual(stopped.placed, []);
});
