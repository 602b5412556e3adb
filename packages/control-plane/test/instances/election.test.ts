// Who leads: instances with clocks of their own over one lease, which lives in a store with a clock of its own. Time moves by hand.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Election, type Lease, openElection } from '../../src/instances/election.ts';
import { manualClock } from '../identity/live-store.ts';
import { silent } from './led.ts';

const duration = 6000;
const settled = () => new Promise((resolve) => setImmediate(resolve));

/** The lease as the store keeps it. */
function openLeaseTable() {
  let row: { holder: string; term: number; until: number } | undefined;
  const table = {
    now: 0,
    asked: 0,
    lease(holder: string, way: { cut: boolean; hold?: Promise<void> }): Lease {
      return {
        holder,
        duration,
        async take() {
          table.asked += 1;
          if (way.cut) throw new Error('cut off');
          if (row === undefined || row.holder === holder || row.until <= table.now) {
            const term = row?.holder === holder ? row.term : (row?.term ?? 0) + 1;
            row = { holder, term, until: table.now + duration };
          }
          const answer =
            row.holder === holder
              ? ({ held: true, term: row.term } as const)
              : ({ held: false, left: row.until - table.now } as const);
          await way.hold;
          return answer;
        },
        async announce() {
          if (way.cut) throw new Error('cut off');
        },
        async release() {
          if (way.cut) throw new Error('cut off');
          if (row?.holder === holder) row = { ...row, until: table.now };
        },
      };
    },
  };
  return table;
}

function openWorld(...names: readonly string[]) {
  const table = openLeaseTable();
  const instances = names.map((name) => {
    const clock = manualClock(1_000_000);
    const way: { cut: boolean; hold?: Promise<void> } = { cut: false };
    let monotonic = 0;
    let frozen = false;
    const election = openElection({ lease: table.lease(name, way), clock, elapsed: () => monotonic, log: silent });
    const changes: boolean[] = [];
    election.onChange((leads) => changes.push(leads));
    return {
      name,
      election,
      clock,
      way,
      changes,
      freeze: () => {
        frozen = true;
      },
      wake: () => {
        frozen = false;
      },
      pass(milliseconds: number) {
        monotonic += milliseconds;
        if (!frozen) clock.moveTo(clock.now() + milliseconds);
      },
      /** What time it is after the process was frozen: timers run late. */
      passedOnWall(milliseconds: number) {
        clock.moveTo(clock.now() + milliseconds);
      },
    };
  });
  const leaders = () => instances.filter(({ election }) => election.leads()).map(({ name }) => name);
  return {
    table,
    instances,
    leaders,
    /** Lets time go on in steps, and never sees two leaders. */
    async pass(milliseconds: number) {
      for (let passed = 0; passed < milliseconds; passed += 100) {
        table.now += 100;
        for (const instance of instances) instance.pass(100);
        await settled();
        assert.ok(leaders().length <= 1, `${leaders()} lead at once`);
      }
    },
  };
}

async function started(...names: readonly string[]) {
  const world = openWorld(...names);
  for (const { election } of world.instances) await election.start();
  return world;
}

function stopAll(elections: readonly { readonly election: Election }[]): Promise<unknown> {
  return Promise.all(elections.map(({ election }) => election.stop()));
}

test('the first one leads from its start, and stays the leader', async () => {
  const world = await started('a', 'b', 'c');
  assert.deepEqual(world.leaders(), ['a']);
  world.table.asked = 0;
  await world.pass(60_000);
  assert.deepEqual(world.leaders(), ['a']);
  assert.ok(world.table.asked <= 90, `${world.table.asked} questions in a minute by three`);
  const [first, second] = world.instances;
  assert.deepEqual(first?.changes, [false, true]);
  assert.deepEqual(second?.changes, [false]);
  await stopAll(world.instances);
});

test('another one leads within ten seconds when the leader is killed', async () => {
  const world = await started('a', 'b');
  await world.pass(5000);
  const [killed] = world.instances.splice(0, 1);
  assert.equal(killed?.name, 'a');
  await world.pass(6500);
  assert.deepEqual(world.leaders(), ['b']);
  await stopAll(world.instances);
});

test('a leader that stops gives the lease back: who is woken leads at once', async () => {
  const world = await started('a', 'b');
  await world.instances[0]?.election.stop();
  assert.deepEqual(world.instances[0]?.changes, [false, true, false]);
  assert.deepEqual(world.leaders(), []);
  world.instances[1]?.election.wake();
  await settled();
  assert.deepEqual(world.leaders(), ['b']);
  await stopAll(world.instances);
});

test('a leader that is cut off from the store stops before another leads', async () => {
  const world = await started('a', 'b');
  const [first] = world.instances;
  assert.ok(first !== undefined);
  await world.pass(2500);
  first.way.cut = true;
  await world.pass(20_000);
  assert.deepEqual(world.leaders(), ['b']);
  assert.deepEqual(first.changes, [false, true, false]);
  first.way.cut = false;
  await world.pass(10_000);
  assert.deepEqual(world.leaders(), ['b'], 'who comes back takes nothing from the other');
  await stopAll(world.instances);
});

test('a leader that was frozen does not take itself for one when it wakes, before any of its timers has run', async () => {
  const world = await started('a', 'b');
  const [first] = world.instances;
  assert.ok(first !== undefined);
  await world.pass(2500);
  first.freeze();
  await world.pass(30_000);
  assert.equal(first.election.leads(), false);
  first.wake();
  first.passedOnWall(30_000);
  await world.pass(5000);
  assert.deepEqual(world.leaders(), ['b']);
  assert.deepEqual(first.changes, [false, true, false]);
  await stopAll(world.instances);
});

test('a machine that slept, so that its monotonic clock stood still, is told by the clock on the wall', async () => {
  const world = await started('a');
  const [first] = world.instances;
  assert.ok(first !== undefined);
  first.way.cut = true;
  first.passedOnWall(7000);
  assert.equal(first.election.leads(), false);
  await stopAll(world.instances);
});

test('a clock on the wall that is set back does not prolong the leadership', async () => {
  const world = await started('a');
  const [first] = world.instances;
  assert.ok(first !== undefined);
  first.way.cut = true;
  first.freeze();
  await world.pass(5100);
  assert.equal(first.election.leads(), false);
  await stopAll(world.instances);
});

test('an answer that came too late to be believed makes no leader', async () => {
  const world = openWorld('a');
  const [first] = world.instances;
  assert.ok(first !== undefined);
  let answer = (): void => undefined;
  first.way.hold = new Promise((resolve) => {
    answer = resolve;
  });
  const starting = first.election.start();
  await world.pass(5500);
  answer();
  await starting;
  assert.equal(first.election.leads(), false);
  assert.deepEqual(first.changes, [false]);
  await world.pass(1000);
  assert.equal(first.election.leads(), true, 'it asks again');
  await stopAll(world.instances);
});

test('a leader whose lease was held by another meanwhile starts anew, with the new term', async () => {
  const world = await started('a', 'b');
  const [first, second] = world.instances;
  assert.ok(first !== undefined && second !== undefined);
  assert.equal(first.election.claim()?.term, 1);
  first.freeze();
  await world.pass(8000);
  await second.election.stop();
  assert.equal(first.election.claim()?.term, 1, 'it knows nothing of it');
  first.wake();
  first.passedOnWall(8000);
  await world.pass(1000);
  assert.equal(first.election.claim()?.term, 3);
  assert.deepEqual(first.changes, [false, true, false, true]);
  await stopAll(world.instances);
});
