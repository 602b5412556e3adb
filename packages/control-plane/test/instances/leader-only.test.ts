// Parts that run on the leader only: on and off with the leadership, one step at a time, and again after a failed start.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Component } from '../../src/component.ts';
import { leaderOnly } from '../../src/instances/leader-only.ts';
import { claimLeadership, soleLeadership, storeOfLeader } from '../../src/store/leadership.ts';
import { openMemoryStore } from '../../src/store/memory-store.ts';
import { manualClock } from '../identity/live-store.ts';
import { openLeadership, silent } from './led.ts';

function recorded(failures = 0): { part: Component; calls: string[] } {
  const calls: string[] = [];
  let failing = failures;
  return {
    calls,
    part: {
      name: 'part',
      async start() {
        calls.push('start');
        await Promise.resolve();
        failing -= 1;
        if (failing >= 0) throw new Error('not yet');
        calls.push('started');
      },
      async stop() {
        calls.push('stop');
        await Promise.resolve();
        calls.push('stopped');
      },
    },
  };
}

const backoff = { base: 100, max: 300 };
const settled = () => new Promise((resolve) => setImmediate(resolve));

test('a part runs exactly while this instance leads', async () => {
  const leadership = openLeadership(false);
  const { part, calls } = recorded();
  const led = leaderOnly(part, { leadership, clock: manualClock(0), backoff, log: silent });
  await led.start();
  assert.deepEqual(calls, []);
  leadership.set(true);
  await settled();
  assert.deepEqual(calls.splice(0), ['start', 'started']);
  leadership.set(false);
  leadership.set(true);
  leadership.set(false);
  await settled();
  assert.deepEqual(calls.splice(0), ['stop', 'stopped'], 'what changes back in the meantime is left out');
  await led.stop();
  assert.deepEqual(calls, []);
});

test('leadership that goes while the part starts stops it when it has started', async () => {
  const leadership = openLeadership(true);
  const { part, calls } = recorded();
  const led = leaderOnly(part, { leadership, clock: manualClock(0), backoff, log: silent });
  const starting = led.start();
  leadership.set(false);
  await starting;
  await settled();
  assert.deepEqual(calls, ['start', 'started', 'stop', 'stopped']);
  await led.stop();
});

test('a part that cannot start is cleared away and started again, later with each failure, while there is leadership', async () => {
  const clock = manualClock(0);
  const leadership = openLeadership(false);
  const { part, calls } = recorded(4);
  const led = leaderOnly(part, { leadership, clock, backoff, log: silent });
  await led.start();
  leadership.set(true);
  await settled();
  const startsAt: number[] = [];
  for (let time = 0; time <= 1200; time += 50) {
    calls.length = 0;
    clock.moveTo(time);
    await settled();
    if (calls.includes('start')) startsAt.push(time);
  }
  assert.deepEqual(startsAt, [100, 300, 600, 900]);
  assert.equal(clock.timers(), 0);
  leadership.set(false);
  await led.stop();
});

test('no start is tried again once the leadership has gone', async () => {
  const clock = manualClock(0);
  const leadership = openLeadership(false);
  const { part, calls } = recorded(9);
  const led = leaderOnly(part, { leadership, clock, backoff, log: silent });
  await led.start();
  leadership.set(true);
  await settled();
  leadership.set(false);
  await settled();
  calls.length = 0;
  clock.moveTo(10_000);
  await settled();
  assert.deepEqual(calls, []);
  assert.equal(clock.timers(), 0);
  await led.stop();
});

test('a control plane that has its store for itself does not start when such a part cannot', async () => {
  const { part } = recorded(1);
  const led = leaderOnly(part, { leadership: soleLeadership, clock: manualClock(0), backoff, log: silent });
  await assert.rejects(led.start(), /not yet/);
});

test("the leader's store refuses writes without leadership, by its clock or by the claim that stands in the store", async () => {
  const store = openMemoryStore();
  const leadership = openLeadership(true);
  const led = storeOfLeader(store, leadership);
  const refused = { code: 'unavailable' };
  const put = { kind: 'put', resource: { type: 'Mesh', mesh: '', name: 'default', labels: {}, spec: {} } } as const;
  await assert.rejects(led.write([put]), refused, 'nobody has claimed it');
  await store.write((content) => claimLeadership(content, { holder: 'test', term: 1 }));
  await led.write([put]);
  leadership.set(false);
  await assert.rejects(led.write([]), refused);
  leadership.set(true);
  await store.write((content) => claimLeadership(content, { holder: 'other', term: 2 }));
  const frozenBefore = led.write(() => assert.fail('a former leader must decide nothing'));
  await assert.rejects(frozenBefore, refused);
  await assert.rejects(
    store.write((content) => claimLeadership(content, { holder: 'test', term: 1 })),
    { code: 'conflict' },
  );
});
