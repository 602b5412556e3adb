// F29: the network between the control plane and all of its proxies is broken, and the one between proxies is not. However long that lasts, and whoever
// comes back first: nobody may lose the endpoints of those that are missing. Who has died meanwhile goes when most are back.
import { setTimeout as sleep } from 'node:timers/promises';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { atMost, defineFault, type FaultContext, type Figure, reported } from '../harness/fault.ts';
import { addHost, type Host } from '../harness/hosts.ts';
import { describeLost } from '../harness/load.ts';
import { type ServiceHost, startServiceHost } from '../harness/service-host.ts';
import { openWorld, type World } from '../harness/world.ts';

/** Longer than the delay of the deregistration (10 s). */
const short = 20_000;
/** Longer than a control plane that has started again waits for who stays away (60 s). */
const long = 75_000;
/** Who is back first is alone for longer than a proxy is waited for. */
const alone = 5_000;
const patience = { within: 120_000 };

interface Cast extends Pick<World, 'controlPlane' | 'client' | 'backends'> {
  /** A proxy whose service nobody calls. */
  readonly victim: ServiceHost;
}

interface StoredDataplane {
  readonly networking: { readonly inbound: readonly { readonly state?: string }[] };
}

/** The Dataplane of the victim; undefined when it is not there. */
async function storedOf({ controlPlane, victim }: Cast): Promise<StoredDataplane | undefined> {
  const { status, json } = await controlPlane.request('GET', `/meshes/default/dataplanes/${victim.name}`);
  return status === 200 ? (json as StoredDataplane) : undefined;
}

async function takesNoTraffic(cast: Cast): Promise<boolean> {
  const stored = await storedOf(cast);
  return stored === undefined || stored.networking.inbound.every(({ state }) => state === 'NotReady');
}

const connected = (service: ServiceHost): Promise<unknown> =>
  waitFor(`${service.name} is back`, () => service.connected().catch(() => false), patience);

/** Breaks the network, mends it host by host, and measures. */
async function breakNetwork(
  context: FaultContext,
  cast: Cast,
  what: string,
  breaks: (host: Host) => void,
  meanwhile: () => Promise<void>,
): Promise<readonly Figure[]> {
  const { client, backends, victim } = cast;
  const services = [client, ...backends, victim];
  for (const { host } of services) breaks(host);
  const began = performance.now();
  await victim.killProxy();
  await meanwhile();
  const seconds = (performance.now() - began) / 1000;
  let fewest: number = backends.length;
  client.host.reconnect();
  await connected(client);
  const until = performance.now() + alone;
  while (performance.now() < until) {
    fewest = Math.min(fewest, (await client.endpointsOf('backend')).length);
    await sleep(200);
  }
  for (const backend of backends) {
    backend.host.reconnect();
    await connected(backend);
  }
  victim.host.reconnect();
  const back = performance.now();
  await waitFor('the dead one is withdrawn', () => takesNoTraffic(cast), patience);
  const withdrawn = (performance.now() - back) / 1000;
  await waitFor('both backends take traffic', async () => (await client.endpointsOf('backend')).length === 2, patience);
  context.say(`${what} for ${seconds.toFixed(0)} s; withdrawn ${withdrawn.toFixed(1)} s after most were back`);
  return [
    atMost(0, `${what}: backends that the first one back lost sight of`, backends.length - fewest),
    atMost(20, `${what}: who died meanwhile is withdrawn, after most are back, within`, withdrawn, 's'),
    reported(`${what} for`, seconds, 's'),
  ];
}

/** The fault. */
export const fault = defineFault({
  id: 'F29',
  title: 'all proxies cut off from the control plane, which is started again meanwhile',
  how: 'nft on the hosts of all proxies: connections to the control plane are reset for 20 s, then what goes there is dropped for 75 s, and the control plane is killed and started again in the first seconds of these; a proxy dies each time; then the network is mended on one host after the other',
  pace: 'long',
  async run(context) {
    const world = await openWorld(context);
    const { controlPlane } = world;
    const victim = await startServiceHost({
      host: addHost('client-2'),
      command: context.programs.dataPlane,
      controlPlane,
      folder: context.folder,
    });
    const cast: Cast = { ...world, victim };
    const load = await world.load();
    const reset = await breakNetwork(
      ...([context, cast, 'reset'] as const),
      (host) => host.resetFrom([controlPlane.host.address]),
      () => sleep(short),
    );
    await victim.start();
    await waitFor('it takes traffic again', async () => !(await takesNoTraffic(cast)), patience);
    const dropped = await breakNetwork(
      ...([context, cast, 'dropped'] as const),
      (host) => host.cutFrom([controlPlane.host.address]),
      async () => {
        await sleep(3_000);
        await controlPlane.kill();
        await controlPlane.start();
        await sleep(long);
      },
    );
    const back = performance.now();
    await waitFor('the dead one is deregistered', async () => (await storedOf(cast)) === undefined, patience);
    const deregistered = (performance.now() - back) / 1000;
    const report = await load.stop();
    context.say(`${report.sent} requests; ${describeLost(report)}`);
    return [
      atMost(0, 'requests lost', report.lost.length),
      atMost(0, 'streams broken', report.streamBreaks.length),
      ...reset,
      ...dropped,
      atMost(75, 'it is deregistered after another', deregistered, 's'),
      reported('requests sent', report.sent),
    ];
  },
});
