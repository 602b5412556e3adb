// A leader that is frozen or cut off from the database, and restarts in turn, under load: never two leaders, no request lost.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { nextLeader, postgresMissing } from '../harness/several.ts';
import { openStage, patience, takeoverBound } from '../harness/several-stage.ts';

if (postgresMissing !== undefined) test('restarts of control planes', { skip: postgresMissing }, () => undefined);
else {
  const { several, one, two, underLoad, otherThan, counts, allConnected } = await openStage();

  test('a leader that is frozen leads no more when it wakes', async () => {
    const leader = await several.leader();
    assert.ok(leader !== undefined);
    const other = otherThan(leader);
    await underLoad(async () => {
      leader.process().signal('SIGSTOP');
      const { took } = await nextLeader(several, [other]);
      console.log(`takeover after SIGSTOP: ${took} ms`);
      assert.ok(took <= takeoverBound, `${took} ms`);
      leader.process().signal('SIGCONT');
      for (let round = 0; round < 20; round += 1) {
        assert.equal(await several.leader(), other);
        await sleep(100);
      }
    });
    await allConnected();
  });

  test('a leader that is cut off from the database stops before another leads', async () => {
    const leader = await several.leader();
    assert.ok(leader !== undefined);
    const other = otherThan(leader);
    await underLoad(async () => {
      leader.cut();
      // Asks both all the time, and fails when both say that they lead.
      const { leader: next, took } = await (async () => {
        const started = performance.now();
        for (;;) {
          const found = await several.leader();
          if (found === other) return { leader: found, took: Math.round(performance.now() - started) };
          assert.ok(performance.now() - started < takeoverBound);
          await sleep(20);
        }
      })();
      console.log(`takeover after the cut: ${took} ms`);
      assert.equal(next, other);
      leader.mend();
      await waitFor(
        'its store works again',
        async () => (await leader.request('GET', '/meshes')).status === 200,
        patience,
      );
    });
    assert.equal(await several.leader(), other);
    await allConnected();
  });

  test('restarts in turn lose no request', async () => {
    await underLoad(async () => {
      for (const instance of [one, two]) {
        await instance.stop();
        await instance.restart();
        await allConnected();
      }
    });
    await waitFor('the proxies are spread', async () => (await counts()).join() === '2,2', patience);
  });
}
