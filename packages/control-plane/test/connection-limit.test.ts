// Connections beyond the limit: the one that has idled longest gives way, those at work and those that have just come do not.
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { openConnectionLimit } from '../src/connection-limit.ts';

class FakeSocket extends EventEmitter {
  readonly remoteAddress = '192.0.2.1';
  localPort: number | undefined = 1;
  readonly remotePort: number;
  destroyed = false;

  constructor(remotePort: number) {
    super();
    this.remotePort = remotePort;
  }

  destroy(): void {
    this.destroyed = true;
    this.emit('close');
  }
}

function open(places: number) {
  let most = places;
  let time = 0;
  let port = 0;
  const limit = openConnectionLimit(
    () => most,
    () => time,
  );
  return {
    limit,
    wait: (milliseconds: number) => {
      time += milliseconds;
    },
    allow(more: number) {
      most = more;
    },
    come() {
      const socket = new FakeSocket(++port) as unknown as Socket;
      limit.enter(socket);
      return socket;
    },
  };
}

test('who has idled longest gives way, and nobody who has just come', () => {
  const { limit, wait, come } = open(4);
  const [, , first, second] = [come(), come(), come(), come()];
  assert.ok(come().destroyed, 'the others have just come');
  wait(2_000);
  const third = come();
  assert.deepEqual([first?.destroyed, second?.destroyed, third.destroyed], [true, false, false]);
  assert.equal(limit.size(), 4);
});

test('where there is room for fewer than have come, all that idle give way', () => {
  const { limit, wait, allow, come } = open(8);
  const before = Array.from({ length: 8 }, () => come());
  allow(2);
  assert.ok(come().destroyed, 'they have just come');
  wait(10_000);
  assert.equal(come().destroyed, false);
  assert.deepEqual(
    before.map((socket) => socket.destroyed),
    [true, true, true, false, true, true, true, true],
  );
  assert.equal(limit.size(), 2);
});

test('half of the places are kept for ten seconds, however many come', () => {
  const { limit, wait, come } = open(4);
  const patient = [come(), come()];
  const destroyed = () => patient.map((socket) => socket.destroyed);
  for (let second = 0; second < 9; second += 1) {
    for (let number = 0; number < 5; number += 1) come();
    wait(1_000);
  }
  assert.deepEqual(destroyed(), [false, false]);
  const [proven] = patient;
  if (proven !== undefined) limit.leave(proven);
  assert.equal(come().destroyed, false, 'the place of who has proven itself is free');
  wait(1_000);
  for (let number = 0; number < 3; number += 1) come();
  assert.deepEqual(destroyed(), [false, true]);
  assert.equal(limit.size(), 4);
});

test('who is answered stays, who is slow with a request does not, and resting makes young again', () => {
  const { limit, wait, come } = open(3);
  const [working, slow, rested] = [come(), come(), come()];
  limit.works(working, { complete: true });
  limit.works(slow, { complete: false });
  limit.works(rested, { complete: true });
  wait(10_000);
  limit.rests(rested);
  assert.equal(come().destroyed, false);
  assert.deepEqual([working.destroyed, slow.destroyed, rested.destroyed], [false, true, false]);
});

test('the limit may move', () => {
  const { limit, allow, come } = open(2);
  come();
  come();
  assert.ok(come().destroyed);
  allow(3);
  assert.equal(come().destroyed, false);
  allow(1);
  assert.ok(come().destroyed, 'those that are there stay, and nobody comes');
  assert.equal(limit.size(), 3);
});

test('who leaves, or closes, is not counted', () => {
  const { limit, come } = open(2);
  const proven = come();
  limit.leave(proven);
  const closed = come();
  closed.destroy();
  assert.equal(limit.size(), 0);
  assert.deepEqual([come().destroyed, come().destroyed, come().destroyed], [false, false, true]);
});

test('a connection that is counted again while it closes is not counted for ever', () => {
  const { limit, come } = open(2);
  const socket = come();
  limit.leave(socket);
  (socket as { localPort?: number | undefined }).localPort = undefined;
  limit.enter(socket);
  assert.equal(limit.size(), 1);
  socket.destroy();
  assert.equal(limit.size(), 0);
});
