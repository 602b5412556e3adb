// The stage of the stories of several control planes: two of them, a client that calls a backend through its proxy, and two idle proxies.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { freePort } from '../../examples/demo/free-ports.ts';
import { type RunningProxy, startProxy } from '../../examples/demo/proxy.ts';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { openEchoService } from './echo-service.ts';
import { type Load, startLoad } from './load.ts';
import { type Instance, type SeveralControlPlanes, startSeveral } from './several.ts';
import { allow, answers, meshWith, programs } from './world.ts';

/** How long anything may take on a slow machine. */
export const patience = { within: 60_000, every: 100 };
/** Ten seconds are promised; the machine of a test may be slow. */
export const takeoverBound = 15_000;

/** Everything that is there. */
export interface Stage {
  readonly several: SeveralControlPlanes;
  readonly one: Instance;
  readonly two: Instance;
  readonly proxies: readonly RunningProxy[];
  /** Runs something while the client calls the backend without retries; fails when a request was lost. */
  underLoad(run: () => Promise<void>): Promise<void>;
  otherThan(instance: Instance): Instance;
  /** Proxies of each instance. */
  counts(): Promise<readonly number[]>;
  allConnected(): Promise<unknown>;
}

/** Sets it up, with these settings of the control planes; it is gone after the tests of the file. */
export async function openStage(settings: Readonly<Record<string, string>> = {}): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), 'ursa-several-'));
  const several = await startSeveral(2, folder, {
    KUMA_INTER_CP_CATALOG_HEARTBEAT_INTERVAL: '1s',
    ...settings,
  });
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
  return { several, one, two, proxies, underLoad, otherThan, counts, allConnected };
}
