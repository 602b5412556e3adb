// A machine that is cut off says no goodbye: its proxy is offline and gets no traffic soon, also while something was under way to it.
import { type TestContext, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { type Host, hostsMissing, isInside, openHosts, runInside } from '../harness/hosts.ts';
import { openWorld, policy } from '../harness/world.ts';

const missing = hostsMissing();
if (missing !== false) {
  test('a lost machine', { skip: missing }, () => {}); // because machines are network namespaces
} else if (isInside) {
  test('machines that are lost', story);
} else {
  test('a lost machine, in network namespaces', () => runInside(import.meta.filename));
}

interface Overview {
  readonly name: string;
  readonly dataplane: { readonly networking: { readonly inbound: readonly { readonly state?: string }[] } };
  readonly dataplaneInsight?: { readonly subscriptions?: readonly { readonly disconnectTime?: string }[] };
}

async function story(context: TestContext): Promise<void> {
  const hosts = openHosts();
  const world = await openWorld();
  const { controlPlane } = world;
  const machines = ['quiet', 'busy', 'late', 'fourth', 'fifth', 'sixth'].map(
    (name, position) => [name, hosts.add(name, position + 2)] as const,
  );
  const start = ([name, host]: readonly [string, Host]) =>
    host.startProxy(controlPlane, {
      type: 'Dataplane',
      mesh: 'default',
      name,
      networking: { address: host.ipv4, inbound: [{ port: 8080, tags: { 'kuma.io/service': 'web' } }] },
    });
  const proxies = await Promise.all(machines.map(start));
  context.after(async () => {
    await Promise.all(proxies.map(({ process }) => process.stop()));
    await world.close();
  });
  const overviewOf = async (name: string): Promise<Overview | undefined> => {
    const { status, json } = await controlPlane.request('GET', `/meshes/default/dataplanes/${name}/_overview`);
    return status === 200 ? (json as Overview) : undefined;
  };
  const isOnline = async (name: string): Promise<boolean> => {
    const overview = await overviewOf(name);
    return overview?.dataplaneInsight?.subscriptions?.at(-1)?.disconnectTime === undefined && overview !== undefined;
  };
  const isOut = async (name: string): Promise<boolean> => {
    const overview = await overviewOf(name);
    return overview === undefined || overview.dataplane.networking.inbound[0]?.state === 'NotReady';
  };
  const patience = { within: 60_000 };

  // Packets that vanish on their way are sent again for a quarter of an hour; a link that is down is told of. The worst moment to be sent something is just
  // before the kernel would have given up: it stops asking then.
  const vanish = 'iptables-nft -I INPUT -j DROP && iptables-nft -I OUTPUT -j DROP';
  for (const [name, push, cutOff] of [
    ['quiet', undefined, 'ip link set eth0 down'],
    ['busy', { after: 0, connections: 77 }, vanish],
    ['late', { after: 4_000, connections: 78 }, vanish],
  ] as const) {
    await context.test(`one that is ${name}`, async (own) => {
      await waitFor('it is online', () => isOnline(name), patience);
      const cut = performance.now();
      const since = (): string => `${((performance.now() - cut) / 1000).toFixed(1)} s`;
      await machines.find(([each]) => each === name)?.[1].shell(cutOff);
      if (push !== undefined) {
        await wait(push.after);
        const connectionRate = { num: push.connections, interval: '1s' };
        await controlPlane.apply(
          policy('MeshRateLimit', 'new', {
            targetRef: { kind: 'Mesh', proxyTypes: ['Sidecar'] },
            from: [{ targetRef: { kind: 'Mesh' }, default: { local: { tcp: { connectionRate } } } }],
          }),
        );
      }
      await waitFor('it is offline', async () => !(await isOnline(name)), patience);
      own.diagnostic(`offline after ${since()}`);
      await waitFor('it gets no traffic', () => isOut(name), patience);
      own.diagnostic(`withdrawn after ${since()}`);
    });
  }
}
