// Who comes too often waits at the door, ever longer and never for ever; others do not notice.
import assert from 'node:assert/strict';
import { beforeEach, describe, mock, test } from 'node:test';
import { type Arrivals, openArrivals } from '../../src/xds/arrivals.ts';

describe('arrivals', () => {
  let time: number;
  let arrivals: Arrivals;
  beforeEach(() => {
    time = 0;
    arrivals = openArrivals(() => time);
  });
  /** How long it must wait; it is not waited for. */
  const waitOf = (id: string): number => {
    let waits = 0;
    void arrivals.enter(id, (milliseconds) => {
      waits = milliseconds;
    });
    return waits;
  };

  test('ten at once are free, more wait, and each has its own account', () => {
    for (let arrival = 0; arrival < 10; arrival += 1) assert.equal(waitOf('default.web'), 0);
    assert.equal(waitOf('default.web'), 3_000);
    assert.equal(waitOf('default.web'), 6_000);
    for (let arrival = 0; arrival < 100; arrival += 1) assert.ok(waitOf('default.web') <= 8_000);
    assert.equal(waitOf('default.other'), 0);
    time = 60_000;
    assert.equal(waitOf('default.web'), 0, 'all is forgotten after a minute');
  });

  test('one every three seconds never waits', () => {
    for (time = 0; time < 600_000; time += 3_000) assert.equal(waitOf('default.web'), 0);
  });

  test('who was thrown out waits sooner', () => {
    assert.equal(waitOf('default.web'), 0);
    arrivals.offended('default.web');
    assert.equal(waitOf('default.web'), 0);
    arrivals.offended('default.web');
    assert.equal(waitOf('default.web'), 3_000);
    arrivals.offended('default.web');
    assert.equal(waitOf('default.web'), 8_000);
  });

  test('the newest arrival of a proxy takes the place of the one that waits', async (context) => {
    mock.timers.enable({ apis: ['setTimeout'] });
    context.after(() => mock.timers.reset());
    for (let arrival = 0; arrival < 10; arrival += 1) waitOf('default.web');
    const entries = [1, 2, 3].map(() => arrivals.enter('default.web', () => undefined));
    assert.deepEqual(await Promise.all(entries.slice(0, 2)), [false, false]);
    mock.timers.tick(8_000);
    assert.equal(await entries[2], true);
  });

  test('names that come once are forgotten', () => {
    for (let name = 0; name < 10_000; name += 1) {
      time += 100;
      waitOf(`default.name-${name}`);
    }
    assert.ok(arrivals.size <= 601, `${arrivals.size} are remembered`);
  });
});
