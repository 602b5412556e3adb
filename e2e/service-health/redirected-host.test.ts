// Service probes on a host that redirects connections: they reach the application, not Envoy's own listener, which accepts for the dead.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { hostsMissing, isInside, openHosts, runInside } from '../harness/hosts.ts';
import { openWorld } from '../harness/world.ts';

const missing = hostsMissing();
if (missing !== false) {
  test('probes on a redirecting host', { skip: missing }, () => {}); // because hosts are network namespaces with real iptables
} else if (isInside) {
  test('a host with redirected traffic', story);
} else {
  test('probes on a redirecting host, in a network namespace', () => runInside(import.meta.filename));
}

async function story(context: TestContext): Promise<void> {
  const hosts = openHosts();
  const server = hosts.add('server', 3);
  const world = await openWorld();
  const { controlPlane } = world;
  const application = server.serve(
    ['http', '127.0.0.1', 8080, 'on-localhost'],
    ['http', server.ipv4, 8082, 'on-the-host'],
    ['http', server.ipv6, 8083, 'on-ipv6'],
  );
  await server.shell('kumactl install transparent-proxy');
  const serviceProbe = { interval: '0.3s', tcp: {} };
  const inbound = [
    { port: 8080, serviceAddress: '127.0.0.1' },
    { port: 8082 },
    { port: 8083, address: server.ipv6 },
    // Nothing listens there.
    { port: 8084, serviceAddress: '127.0.0.1' },
    { port: 8085 },
    { port: 8086, address: server.ipv6 },
  ].map((each) => ({ ...each, serviceProbe, tags: { 'kuma.io/service': `at-${each.port}` } }));
  const proxy = await server.startProxy(controlPlane, {
    type: 'Dataplane',
    mesh: 'default',
    name: 'server',
    networking: { address: server.ipv4, inbound },
  });
  context.after(async () => {
    await Promise.all([application.stop(), proxy.process.stop()]);
    await world.close();
  });
  const states = async () => {
    const { json } = await controlPlane.request('GET', '/meshes/default/dataplanes/server');
    return (json as { networking: { inbound: { state?: string }[] } }).networking.inbound.map(({ state }) => state);
  };
  const alive = ['Ready', 'Ready', 'Ready', 'NotReady', 'NotReady', 'NotReady'];
  await waitFor('who listens is ready', async () => (await states()).slice(0, 3).every((state) => state === 'Ready'));
  assert.deepEqual(await states(), alive);
  await application.stop();
  await waitFor('nobody is ready', async () => (await states()).every((state) => state === 'NotReady'));
}
