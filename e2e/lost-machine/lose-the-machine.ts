// The machine of one of several control planes is lost, and a proxy with it: that one gets no traffic soon. A proxy on another machine that had this control
// plane goes on all the while.
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { openStage, patience, type StageOptions } from './two-control-planes.ts';

/** The whole story, until the machine is back. */
export async function loseTheMachine(context: TestContext, options: StageOptions = {}): Promise<void> {
  const { machine, isOnline, takesTraffic, isSentTo, underLoad } = await openStage(context, options);
  const timed = (own: TestContext) => {
    const started = performance.now();
    return async (what: string, is: () => Promise<boolean>): Promise<void> => {
      await waitFor(what, is, patience);
      own.diagnostic(`${what} after ${((performance.now() - started) / 1000).toFixed(1)} s`);
    };
  };

  await underLoad(['backend'], async () => {
    await context.test(
      'lost, its own proxy gets no traffic, and the one elsewhere has the other control plane',
      async (own) => {
        await machine.shell('ip link set eth0 down');
        const within = timed(own);
        await Promise.all([
          within('the one elsewhere is with the other', () => isOnline('backend', 'other')),
          within('it is offline', async () => !(await isOnline('idle'))),
          // Withheld, not deleted: that would come a minute later.
          within('it is withheld', async () => !(await takesTraffic('idle'))),
          within('the client sends nothing there', async () => !(await isSentTo('idle'))),
        ]);
      },
    );

    await context.test('back, it gets its traffic again', async (own) => {
      await machine.shell('ip link set eth0 up');
      const within = timed(own);
      await within('it is online', () => isOnline('idle'));
      await within('it takes traffic', () => takesTraffic('idle'));
      await within('the client sends there', () => isSentTo('idle'));
      assert.equal(await isOnline('backend', 'other'), true);
    });
  });
}
