import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { type IssuedLeaf, openIssuing } from '../../src/identity/issuing.ts';
import { manualClock } from './live-store.ts';

const start = Date.parse('2026-11-23T12:00:00Z');
const second = 1000;
const day = 24 * 3600 * second;

interface Order {
  readonly authority: string;
}

/** An issuing whose authorities sign, fail or hang as the test says, and what it did. */
function setUp(context: TestContext, minHolders = 10) {
  const clock = manualClock(start);
  const broken = new Set<string>();
  const hanging = new Set<string>();
  const asked: string[] = [];
  const lives = new Map<string, number>();
  const delivered = new Map<string, IssuedLeaf<Order>>();
  const failures: string[] = [];
  const issuing = openIssuing<Order>({
    clock,
    retries: { base: 5 * second, max: 300 * second, minHolders },
    authorityOf: ({ authority }) => authority,
    async make({ authority }, issuedAt, holder) {
      asked.push(holder);
      if (hanging.has(authority)) await new Promise(() => {});
      if (broken.has(authority)) throw new Error('sealed');
      return {
        certificate: `${holder} at ${issuedAt}`,
        privateKey: '',
        notAfter: issuedAt + (lives.get(holder) ?? day),
      };
    },
    deliver(leaves) {
      for (const [holder, leaf] of leaves) delivered.set(holder, leaf);
    },
    onFailure: (holder, _error, again) => failures.push(`${holder} +${(again - clock.now()) / second}`),
  });
  context.after(() => issuing.stop());
  /** Moves the clock and lets everything come to rest. */
  const moveTo = async (time: number) => {
    clock.moveTo(time);
    for (let count = 0; count < 50; count += 1) await turn();
  };
  const order = async (holder: string, authority = 'vault') => {
    issuing.order(holder, { authority });
    await moveTo(clock.now());
  };
  return { clock, broken, hanging, asked, lives, delivered, failures, issuing, moveTo, order };
}

test('who fails waits five seconds, then twice as long each time, never more than five minutes', async (context) => {
  const run = setUp(context);
  run.broken.add('vault');
  await run.order('web');
  for (let count = 0; count < 8; count += 1) await run.moveTo(run.clock.now() + 300 * second);
  assert.deepEqual(run.failures.slice(0, 2), ['web +5', 'web +10']);
  assert.deepEqual(run.failures.slice(-2), ['web +300', 'web +300']);
  const count = run.asked.length;
  await run.moveTo(run.clock.now() + 299 * second);
  assert.equal(run.asked.length, count, 'not before it is time');
  run.broken.clear();
  await run.moveTo(run.clock.now() + second);
  assert.ok(run.delivered.has('web'));
  assert.deepEqual(run.issuing.states(), [{ authority: 'vault', failing: [], isOpen: false }]);
});

test('a certificate stays with its holder while its renewal fails', async (context) => {
  const run = setUp(context);
  await run.order('web');
  const first = run.delivered.get('web');
  run.broken.add('vault');
  await run.moveTo(start + 0.8 * day);
  assert.deepEqual(run.failures, ['web +5']);
  assert.equal(run.delivered.get('web'), first);
  run.broken.clear();
  await run.moveTo(start + 0.8 * day + 5 * second);
  assert.notEqual(run.delivered.get('web'), first);
});

test('a certificate is renewed with a fifth of its life left, or a minute, but not in its first half', async (context) => {
  for (const [life, renewal] of [
    [3600, 2880],
    [300, 240],
    [150, 90],
    [120, 60],
    [30, 15],
  ] as const) {
    const run = setUp(context);
    run.lives.set('web', life * second);
    await run.order('web');
    await run.moveTo(start + renewal * second - 1);
    assert.equal(run.asked.length, 1, `${life} s, before`);
    await run.moveTo(start + renewal * second);
    assert.equal(run.asked.length, 2, `${life} s`);
  }
});

test('when ten have failed only one at a time asks, and one success lets all of them', async (context) => {
  const run = setUp(context);
  run.broken.add('vault');
  const names = Array.from({ length: 30 }, (_, number) => `web-${number}`);
  for (const name of names.slice(0, 9)) await run.order(name);
  assert.deepEqual(run.issuing.states()[0]?.isOpen, false);
  for (const name of names.slice(9)) await run.order(name);
  assert.equal(run.issuing.states()[0]?.isOpen, true);
  assert.equal(run.asked.length, 10, 'the others are not even tried');
  await Promise.all(names.map((name) => run.issuing.settled(name)));
  await run.moveTo(start + 5 * second);
  assert.equal(run.asked.length, 11);
  await run.moveTo(start + 14 * second);
  assert.equal(run.asked.length, 11);
  await run.moveTo(start + 15 * second);
  assert.equal(run.asked.length, 12, 'probes, too, wait twice as long each time');
  run.broken.clear();
  await run.moveTo(start + 35 * second);
  assert.equal(run.delivered.size, 30);
  assert.equal(run.issuing.states()[0]?.isOpen, false);
});

test('an authority that fails is not asked again for holders that are gone', async (context) => {
  const run = setUp(context, 2);
  run.broken.add('vault');
  await run.order('web-1');
  await run.order('web-2');
  assert.equal(run.issuing.states()[0]?.isOpen, true);
  run.issuing.order('web-1', undefined);
  run.issuing.order('web-2', undefined);
  const count = run.asked.length;
  await run.moveTo(start + day);
  assert.equal(run.asked.length, count);
  assert.deepEqual(run.issuing.states(), []);
});

test('an authority that hangs holds up nobody who has another one', async (context) => {
  const run = setUp(context);
  run.hanging.add('vault');
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) await run.order(name);
  assert.equal(run.asked.length, 4, 'four at a time');
  await run.order('web', 'builtin');
  assert.ok(run.delivered.has('web'));
  await run.order('a', 'builtin');
  assert.ok(run.delivered.has('a'), 'nor who goes over to another one');
});

test('a certificate is made anew when that is asked for, but not of an authority that fails', async (context) => {
  const run = setUp(context);
  await run.order('web');
  await run.moveTo(start + second);
  run.issuing.renew('web');
  await run.moveTo(start + second);
  assert.equal(run.delivered.get('web')?.certificate, `web at ${start + second}`);
  run.broken.add('vault');
  run.issuing.renew('web');
  await run.moveTo(start + 2 * second);
  run.issuing.renew('web');
  await run.moveTo(start + 2 * second);
  assert.deepEqual([run.asked.length, run.failures.length], [3, 1]);
});

test('an authority is forgotten with the last who wanted something of it, and begins anew', async (context) => {
  const run = setUp(context, 1);
  run.broken.add('vault');
  await run.order('web');
  await run.order('api', 'builtin');
  assert.deepEqual(
    run.issuing.states().map(({ authority, isOpen }) => [authority, isOpen]),
    [
      ['vault', true],
      ['builtin', false],
    ],
  );
  run.issuing.order('web', undefined);
  await run.order('api', 'another');
  assert.deepEqual(
    run.issuing.states().map(({ authority }) => authority),
    ['another'],
  );
  run.broken.delete('vault');
  await run.order('web');
  assert.ok(run.delivered.has('web'), 'what failed before is not held against it');
});

test('an authority that is being asked is forgotten when it has answered', async (context) => {
  const run = setUp(context);
  let answer: (() => void) | undefined;
  const issuing = openIssuing<Order>({
    clock: run.clock,
    authorityOf: ({ authority }) => authority,
    make: async (_order, issuedAt) => {
      await new Promise<void>((resolve) => {
        answer = resolve;
      });
      return { certificate: '', privateKey: '', notAfter: issuedAt + day };
    },
    deliver: () => undefined,
    onFailure: () => undefined,
  });
  context.after(() => issuing.stop());
  issuing.order('web', { authority: 'vault' });
  issuing.order('web', undefined);
  assert.equal(issuing.states().length, 1);
  answer?.();
  await run.moveTo(start);
  assert.deepEqual(issuing.states(), []);
});

test('of many that are late, after a pause, those that end first are renewed first', async (context) => {
  const run = setUp(context);
  const holders = { slow: 40, quick: 30, soon: 20, sooner: 10, later: 50 };
  for (const [holder, seconds] of Object.entries(holders)) {
    run.lives.set(holder, seconds * second);
    await run.order(holder);
  }
  run.asked.length = 0;
  await run.moveTo(start + 45 * second);
  assert.deepEqual(run.asked.slice(0, 5), ['sooner', 'soon', 'quick', 'slow', 'later']);
});
