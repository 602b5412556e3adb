// Two control planes over one PostgreSQL, under load: any proxy at any of them, one leader at a time, and no request lost when the leader is killed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { nextLeader, postgresMissing } from '../harness/several.ts';
import { openStage, patience, takeoverBound } from '../harness/several-stage.ts';

if (postgresMissing !== undefined) test('several control planes', { skip: postgresMissing }, () => undefined);
else {
  const { several, one, two, proxies, underLoad, otherThan, counts, allConnected } = await openStage();

  test('each knows of both, one leads, and what one stores the other shows at once', async () => {
    for (const instance of several.instances) {
      const { json } = await instance.request('GET', '/_instances');
      const { items } = json as { readonly items: readonly { readonly status: string }[] };
      assert.deepEqual(
        items.map(({ status }) => status),
        ['Online', 'Online'],
      );
    }
    assert.notEqual(await several.leader(), undefined);
    const times: number[] = [];
    for (let round = 0; round < 10; round += 1) {
      const name = `round-${round}`;
      await one.apply({ type: 'Mesh', name });
      const stored = performance.now();
      await waitFor('the other shows it', async () => (await two.request('GET', `/meshes/${name}`)).status === 200, {
        within: 5_000,
        every: 1,
      });
      times.push(performance.now() - stored);
      await two.delete({ type: 'Mesh', name });
    }
    const sorted = times.toSorted((left, right) => left - right);
    console.log(
      `visible on the other after ${sorted[5]?.toFixed(1)} ms (median), ${sorted.at(-1)?.toFixed(1)} ms (most)`,
    );
  });

  test('a roll-out is that of all proxies, and each proxy can be asked for at each instance', async () => {
    await allConnected();
    const { headers } = await fetch(`${one.apiUrl}/meshes/default`);
    assert.ok(headers.get('kuma-revision') !== null);
    for (const instance of several.instances) {
      // A proxy that is moved to even the instances out belongs to none for a moment.
      await waitFor(
        'the roll-out is that of all proxies',
        async () => {
          const { json } = await instance.request('GET', '/_rollout?wait=20s');
          const { counts, done } = json as { readonly counts: { readonly total: number }; readonly done: boolean };
          return counts.total === 4 && done;
        },
        patience,
      );
      for (const { name } of proxies) {
        for (const page of ['_config', 'xds', 'stats', 'clusters']) {
          await waitFor(
            `${name}/${page}`,
            async () => {
              const answer = await instance.request('GET', `/meshes/default/dataplanes/${name}/${page}`);
              if (answer.status !== 200) throw new Error(answer.text.slice(0, 300));
              return true;
            },
            patience,
          );
        }
      }
    }
  });

  test('kill -9 of the leader: another leads, its proxies go there, no request is lost; after its restart all are spread', async () => {
    const leader = await several.leader();
    assert.ok(leader !== undefined);
    await underLoad(async () => {
      leader.process().signal('SIGKILL');
      await leader.process().exited;
      const other = otherThan(leader);
      const { took } = await nextLeader(several, [other]);
      console.log(`takeover after kill -9: ${took} ms`);
      assert.ok(took <= takeoverBound, `${took} ms`);
      await waitFor('all proxies are with the other', async () => (await several.self(other)).proxies === 4, patience);
      await leader.restart();
      await waitFor('the proxies are spread', async () => (await counts()).join() === '2,2', patience);
      await sleep(500);
    });
    const { json } = await one.request('GET', '/meshes/default/dataplanes/_overview');
    assert.equal((json as { readonly total: number }).total, 4, 'no Dataplane was lost');
  });
}
