// A proxy that dies together with its control plane: nobody saw it go. Another control plane finds out, shows it offline and keeps others from
// sending to it; proxies that live lose nothing.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { isAlive, processesWith } from '../harness/processes.ts';
import { type Instance, postgresMissing } from '../harness/several.ts';
import { openStage, patience } from '../harness/several-stage.ts';

interface Overview {
  readonly name: string;
  readonly dataplane: { readonly networking: { readonly inbound: readonly { readonly state?: string }[] } };
  readonly dataplaneInsight?: {
    readonly subscriptions?: readonly { readonly controlPlaneInstanceId: string; readonly disconnectTime?: string }[];
  };
}

if (postgresMissing !== undefined) test('dead together', { skip: postgresMissing }, () => undefined);
else {
  // One that is being sent to the other control plane would be missed by that one, and deleted ten seconds later.
  const { several, one, two, proxies, underLoad, otherThan, allConnected } = await openStage({
    KUMA_INTER_CP_BALANCE_PROXIES: 'false',
  });
  const name = 'idle-1';
  const overviews = async (instance: Instance): Promise<readonly Overview[]> => {
    const { json } = await instance.request('GET', '/meshes/default/dataplanes/_overview');
    return (json as { readonly items: readonly Overview[] }).items;
  };
  const connectionOf = (overview: Overview | undefined) =>
    overview?.dataplaneInsight?.subscriptions?.findLast(({ disconnectTime }) => disconnectTime === undefined);
  const takesTraffic = ({ dataplane }: Overview): boolean => dataplane.networking.inbound[0]?.state !== 'NotReady';

  test('it is offline and gets no traffic soon; no other proxy is withheld', async (context) => {
    await allConnected();
    const victim = proxies.find(({ process, workDir }) => process.running() && workDir.includes(name));
    assert.ok(victim !== undefined);
    await underLoad(async () => {
      const holderOf = async (): Promise<string | undefined> =>
        connectionOf((await overviews(one)).find((each) => each.name === name))?.controlPlaneInstanceId;
      const holderId = await waitFor('it is shown online', holderOf, patience);
      const holder = (await several.self(one)).id === holderId ? one : two;
      assert.equal((await several.self(holder)).id, holderId);
      const other = otherThan(holder);
      // Frozen before its proxy dies, and killed after: it never sees that.
      holder.process().signal('SIGSTOP');
      const halves = processesWith(victim.workDir);
      victim.process.signal('SIGKILL');
      await waitFor('the proxy is gone', async () => !halves.some(isAlive), patience);
      holder.process().signal('SIGKILL');
      await holder.process().exited;
      const killed = performance.now();
      const since = (): string => `${((performance.now() - killed) / 1000).toFixed(1)} s`;
      const withheld = new Set<string>();
      const look = async (): Promise<Overview | undefined> => {
        const all = await overviews(other);
        for (const each of all) if (!takesTraffic(each)) withheld.add(each.name);
        return all.find((each) => each.name === name);
      };
      await waitFor('it is offline', async () => connectionOf(await look()) === undefined, patience);
      context.diagnostic(`offline after ${since()}`);
      const out = async (): Promise<boolean> => {
        const overview = await look();
        return overview !== undefined && !takesTraffic(overview);
      };
      // Withheld, not deleted: that would come a minute later.
      await waitFor('it gets no traffic', out, { within: 50_000, every: 100 });
      context.diagnostic(`withdrawn after ${since()}`);
      assert.deepEqual([...withheld], [name]);
    });
  });
}
