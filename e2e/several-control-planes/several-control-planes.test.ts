// Two control planes over one PostgreSQL, under load: any proxy at any of them, one leader at a time, and no request lost whatever is done to them.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../examples/demo/free-ports.ts';
import { type RunningProxy, startProxy } from '../../examples/demo/proxy.ts';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { openEchoService } from '../harness/echo-service.ts';
import { type Load, startLoad } from '../harness/load.ts';
import { type Instance, nextLeader, postgresMissing, startSeveral } from '../harness/several.ts';
import { allow, answers, meshWith, programs } from '../harness/world.ts';

const patience = { within: 40_000, every: 100 };
/** What others are held to; the machine of a test may be slow. */
const takeoverBound = 15_000;

describe('several control planes', { skip: postgresMissing }, async () => {
  if (postgresMissing !== undefined) return;
  const folder = mkdtempSync(join(tmpdir(), 'ursa-several-'));
  const several = await startSeveral(2, folder, { KUMA_INTER_CP_CATALOG_HEARTBEAT_INTERVAL: '1s' });
  const proxies: RunningProxy[] = [];
  const loads: Load[] = [];
  const echo = await openEchoService('backend');
  after(async () => {
    for (const load of loads) await load.stop();
    await Promise.all(proxies.map(({ process }) => process.stop(1_000)));
    await echo.close();
    await several.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const { together } = several;
  const [one, two] = several.instances as readonly [Instance, Instance];
  const outbound = await freePort();
  const start = async (service: string, name: string, outbounds: Readonly<Record<string, number>>) => {
    proxies.push(
      await startProxy({
        ...{ command: programs.dataPlane, controlPlane: together, folder, name, service, outbounds },
        ...{ servicePort: echo.port, inboundPort: await freePort() },
      }),
    );
  };
  await one.apply(meshWith('STRICT'));
  await two.apply(allow('client'));
  assert.equal((await two.request('DELETE', '/meshes/default/meshretries/mesh-retry-all-default')).status, 200);
  await start('backend', 'backend-1', {});
  await start('client', 'client-1', { backend: outbound });
  await start('idle', 'idle-1', {});
  await start('idle', 'idle-2', {});
  const url = `http://127.0.0.1:${outbound}`;
  await answers(url, 200, 30_000);

  const underLoad = async (run: () => Promise<void>): Promise<void> => {
    const load = startLoad({ url, perSecond: 50 });
    const connecting = startLoad({ url, perSecond: 10, newConnections: true });
    loads.push(load, connecting);
    await run();
    for (const each of [load, connecting]) {
      const { sent, failures } = await each.stop();
      assert.deepEqual(failures, [], `${failures.length} of ${sent} requests failed`);
    }
  };
  const otherThan = (instance: Instance): Instance => (instance === one ? two : one);
  const counts = async (): Promise<readonly number[]> =>
    Promise.all(several.instances.map(async (instance) => (await several.self(instance)).proxies));
  const allConnected = (): Promise<unknown> =>
    waitFor(
      'all proxies are connected',
      async () => (await counts()).reduce((sum, count) => sum + count, 0) === 4,
      patience,
    );

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
      const { json } = await instance.request('GET', '/_rollout?wait=20s');
      const { counts: rolled, done } = json as { readonly counts: { readonly total: number }; readonly done: boolean };
      assert.deepEqual([rolled.total, done], [4, true], JSON.stringify(json));
      for (const { name } of proxies) {
        for (const page of ['_config', 'xds', 'stats', 'clusters']) {
          const answer = await instance.request('GET', `/meshes/default/dataplanes/${name}/${page}`);
          assert.equal(answer.status, 200, `${name}/${page}: ${answer.text.slice(0, 300)}`);
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
      for (const instance of [one, two, one, two]) {
        await instance.stop();
        await instance.restart();
        await allConnected();
      }
    });
    await waitFor('the proxies are spread', async () => (await counts()).join() === '2,2', patience);
  });
});
