// The network between the control plane and all of its proxies is broken, for longer than a proxy is waited for and longer than it takes until it would be
// deregistered. Who is back first still knows the others, and no request is lost; who has died meanwhile is withdrawn when most are back.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { type Host, hostsMissing, isInside, openHosts, runInside } from '../harness/hosts.ts';
import { type Load, startLoad } from '../harness/load.ts';
import { allow, meshWith, openWorld, policy } from '../harness/world.ts';

const missing = hostsMissing();
if (missing !== false) {
  test('all proxies are cut off', { skip: missing }, () => {}); // because machines are network namespaces
} else if (isInside) {
  test('all proxies are cut off', story);
} else {
  test('all proxies are cut off, in network namespaces', () => runInside(import.meta.filename));
}

const outboundPort = 20_080;
const patience = { within: 60_000 };

async function story(context: TestContext): Promise<void> {
  const hosts = openHosts();
  const world = await openWorld({ KUMA_XDS_DATAPLANE_DEREGISTRATION_DELAY: '3s' });
  const { controlPlane } = world;
  const [client, backend, victim] = ['client', 'backend', 'victim'].map((name, index) =>
    hosts.add(name, index + 2),
  ) as [Host, Host, Host];
  const app = backend.serve(['http', '127.0.0.1', 8080, 'backend']);
  const start = (host: Host, more: object = {}) => {
    const tags = { 'kuma.io/service': host.name, 'kuma.io/protocol': 'http' };
    const inbound = [{ port: 9080, servicePort: 8080, serviceAddress: '127.0.0.1', tags }];
    const networking = { address: host.ipv4, inbound, ...more };
    return host.startProxy(controlPlane, { type: 'Dataplane', mesh: 'default', name: host.name, networking }, false);
  };
  await controlPlane.apply(meshWith('STRICT'));
  await controlPlane.apply(allow('client'));
  assert.equal(
    (await controlPlane.request('DELETE', '/meshes/default/meshretries/mesh-retry-all-default')).status,
    200,
  );
  const outbound = [{ address: client.ipv4, port: outboundPort, tags: { 'kuma.io/service': 'backend' } }];
  const proxies = await Promise.all([start(client, { outbound }), start(backend), start(victim)]);
  const url = `http://${client.ipv4}:${outboundPort}`;
  const loads: Load[] = [];
  context.after(async () => {
    await Promise.all(loads.map((load) => load.stop()));
    await Promise.all(proxies.map(({ process }) => process.stop()));
    await app.stop();
    await world.close();
  });
  await waitFor('the client reaches the backend', async () => (await fetch(url)).ok, patience);
  const isConnected = async (of: number): Promise<boolean> =>
    (await proxies[of]?.admin('/stats?filter=control_plane.connected_state'))?.includes('connected_state: 1') ?? false;
  const stateOf = async ({ name }: Host): Promise<string> => {
    const { status, json } = await controlPlane.request('GET', `/meshes/default/dataplanes/${name}`);
    if (status !== 200) return 'deregistered';
    const { networking } = json as { networking: { inbound: readonly { readonly state?: string }[] } };
    return networking.inbound[0]?.state ?? 'Ready';
  };
  const port = new URL(controlPlane.dataPlaneUrl).port;
  const isOnline = async ({ name }: Host): Promise<boolean> => {
    const { status, json } = await controlPlane.request('GET', `/meshes/default/dataplanes/${name}/_overview`);
    if (status !== 200) return false;
    const { dataplaneInsight } = json as {
      dataplaneInsight?: { subscriptions?: readonly { readonly disconnectTime?: string }[] };
    };
    return dataplaneInsight?.subscriptions?.at(-1)?.disconnectTime === undefined;
  };
  // The resets that are made for what comes in go out as well.
  const rules = [
    'OUTPUT -p tcp --tcp-flags RST RST -j ACCEPT',
    `INPUT -s ${hosts.ipv4} -p tcp --sport ${port} -j REJECT --reject-with tcp-reset`,
    `OUTPUT -d ${hosts.ipv4} -p tcp --dport ${port} -j REJECT --reject-with tcp-reset`,
  ];
  const cut = (verb: '-A' | '-D', host: Host): Promise<string> =>
    host.shell(rules.map((rule) => `iptables-nft ${verb} ${rule}`).join(' && '));

  loads.push(startLoad({ url, perSecond: 50 }), startLoad({ url, perSecond: 10, newConnections: true }));
  for (const host of [client, backend, victim]) await cut('-A', host);
  // What is sent to them now is answered with a reset, so that all of them are gone in the same moment.
  await controlPlane.apply(
    policy('MeshRateLimit', 'new', {
      targetRef: { kind: 'Mesh', proxyTypes: ['Sidecar'] },
      from: [
        { targetRef: { kind: 'Mesh' }, default: { local: { tcp: { connectionRate: { num: 999, interval: '1s' } } } } },
      ],
    }),
  );
  await victim.shell('ip link set eth0 down');
  const all = [client, backend, victim];
  await waitFor(
    'all are shown offline',
    async () => (await Promise.all(all.map(isOnline))).every((online) => !online),
    patience,
  );
  // Longer than a proxy is waited for, and than it may stay away.
  await sleep(6_000);
  assert.deepEqual(await Promise.all(all.map(stateOf)), ['Ready', 'Ready', 'Ready']);

  await cut('-D', client);
  await waitFor('the client is back', () => isConnected(0), patience);
  await sleep(4_000);
  assert.equal(await stateOf(backend), 'Ready');
  await cut('-D', backend);
  await waitFor('the backend is back', () => isConnected(1), patience);
  await waitFor('the dead one is withdrawn', async () => (await stateOf(victim)) === 'NotReady', patience);
  assert.equal(await stateOf(backend), 'Ready');
  for (const load of loads) {
    const { sent, failures } = await load.stop();
    assert.ok(sent > 100);
    assert.deepEqual(failures, [], `${failures.length} of ${sent} requests were lost`);
  }
}
