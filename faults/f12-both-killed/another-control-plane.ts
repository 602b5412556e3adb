// One of two control planes over PostgreSQL dies together with a proxy of its own, and stays away. It is the one that leads: the other has to take
// over before it can do anything about the proxy.
import { setTimeout as sleep } from 'node:timers/promises';
import { waitFor } from '../../examples/demo/wait-for.ts';
import type { ControlPlaneHost } from '../harness/control-plane.ts';
import { openDatabase } from '../harness/database.ts';
import { atMost, type FaultContext, type Figure, reported } from '../harness/fault.ts';
import { leads } from '../harness/instances.ts';
import { describeLost, secondsToRecover } from '../harness/load.ts';
import type { ServiceHost } from '../harness/service-host.ts';
import { openTwoControlPlanes } from '../harness/two-control-planes.ts';
import { openWorldWith } from '../harness/world.ts';
import { watchGone } from './gone.ts';

interface Overview {
  readonly name: string;
  readonly dataplaneInsight?: {
    readonly subscriptions?: readonly { readonly controlPlaneInstanceId: string; readonly disconnectTime?: string }[];
  };
}

/** One of the services whose connection the control plane has. */
async function oneOf(controlPlane: ControlPlaneHost, services: readonly ServiceHost[]): Promise<ServiceHost | false> {
  const { instanceId } = (await controlPlane.request('GET', '/')).json as { readonly instanceId: string };
  const { items } = (await controlPlane.request('GET', '/meshes/default/dataplanes/_overview')).json as {
    readonly items: readonly Overview[];
  };
  const own = new Set(
    items
      .filter(({ dataplaneInsight: insight }) => {
        const open = insight?.subscriptions?.findLast(({ disconnectTime }) => disconnectTime === undefined);
        return open?.controlPlaneInstanceId === instanceId;
      })
      .map(({ name }) => name),
  );
  return services.find(({ name }) => own.has(name)) ?? false;
}

/** Measures it. */
export async function withAnotherControlPlane(context: FaultContext): Promise<readonly Figure[]> {
  const database = await openDatabase(context);
  const names = ['cp-one', 'cp-two'] as const;
  const { first, second, dataPlaneUrl } = await openTwoControlPlanes(context, database, names);
  // All proxies come to the first, which leads; once there is a second one, it sends at most one of them away.
  const world = await openWorldWith(context, first, { dataPlaneUrl, suffix: '-pg' });
  const { client, backends } = world;
  await second.start();
  await waitFor('the second one follows', async () => (await leads(first)) && (await leads(second)) === false);
  const load = await world.load();
  const victim = await waitFor('a backend of the leader', () => oneOf(first, backends), { within: 30_000 });
  // Frozen before its proxy dies, and killed after: it never sees that.
  first.process().signal('SIGSTOP');
  const before = Date.now();
  await victim.killProxy();
  await first.kill();
  const { offline, withdrawn } = await watchGone(second, client, victim, performance.now());
  await sleep(500);
  const report = await load.stop();
  context.say(`two control planes: ${describeLost(report)}`);
  return [
    atMost(15, 'two control planes over PostgreSQL, the leader killed: proxy still shown online', offline, 's'),
    atMost(15, 'two control planes over PostgreSQL, the leader killed: endpoint withdrawn after', withdrawn, 's'),
    reported('two control planes over PostgreSQL: requests lost', report.lost.length),
    reported('two control planes over PostgreSQL: last request lost after', secondsToRecover(report, before), 's'),
  ];
}
