// A mesh without IPv4: the control plane's machine has no IPv4 address at all, the proxies' hosts have that of their loopback only.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { type TestContext, test } from 'node:test';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { type HostProxy, hostsMissing, isInside, openHosts, runInside, users } from '../harness/hosts.ts';
import { allowAll, meshWith, openWorld, policy } from '../harness/world.ts';

const missing = hostsMissing();
if (missing !== false) {
  test('IPv6 alone', { skip: missing }, () => {}); // because hosts are network namespaces
} else if (isInside) {
  test('hosts without IPv4', story);
} else {
  test('a mesh works over IPv6 alone, in network namespaces', () => runInside(import.meta.filename));
}

async function story(context: TestContext): Promise<void> {
  const hosts = openHosts({ ipv6Only: true });
  const client = hosts.add('client', 2);
  const server = hosts.add('server', 3);
  // Nobody answers there: the questions are redirected.
  hosts.setDnsServers('fd77::1');
  const interfaces = { KUMA_API_SERVER_HTTP_INTERFACE: '::', KUMA_API_SERVER_HTTPS_INTERFACE: '::' };
  const world = await openWorld(interfaces, false, '[::1]');
  const { controlPlane } = world;
  const program = server.serve(['http', '::1', 8080, 'backend']);
  const proxies: HostProxy[] = [];
  context.after(async () => {
    await Promise.all([program, ...proxies.map(({ process }) => process)].map((process) => process.stop()));
    await world.close();
  });
  const tags = (service: string) => ({ 'kuma.io/service': service, 'kuma.io/protocol': 'http' });
  const dataplane = (name: string, address: string, inbound: object) => ({
    ...{ type: 'Dataplane', mesh: 'default', name },
    networking: { address, inbound: [{ tags: tags(name), ...inbound }] },
  });
  const get = async (url: string): Promise<string> => {
    const { code, output } = await client.run(['curl', '-sf', '-m', '4', url], users.application);
    return code === 0 ? output.trim() : '';
  };

  await context.test('there is no IPv4 where the control plane is, and it serves', async () => {
    assert.equal(execFileSync('ip', ['-4', 'address'], { encoding: 'utf8' }).trim(), '');
    await controlPlane.apply(meshWith('STRICT'));
    await controlPlane.apply(allowAll);
  });

  await context.test('proxies connect to it, and serve', async () => {
    await Promise.all([client, server].map((host) => host.shell('kumactl install transparent-proxy --redirect-dns')));
    proxies.push(
      await server.startProxy(controlPlane, dataplane('backend', server.ipv6, { port: 8080, serviceAddress: '::1' })),
      await client.startProxy(controlPlane, dataplane('client', client.ipv6, { port: 1 })),
    );
  });

  await context.test('a service is called by its name, which has an IPv6 address', async () => {
    const answer = await waitFor('the name leads there', () =>
      get('http://backend.mesh').then((text) => text || undefined),
    );
    assert.match(answer, /^backend from/);
    const handled = await proxies[1]?.admin('/stats?filter=cluster.backend.upstream_rq_completed');
    assert.match(handled ?? '', /upstream_rq_completed: [1-9]/);
  });

  await context.test('a policy reaches the proxy, and the control plane asks its Envoy', async () => {
    await controlPlane.apply(
      policy('MeshTrafficPermission', 'allow-all', {
        targetRef: { kind: 'Mesh' },
        from: [{ targetRef: { kind: 'Mesh' }, default: { action: 'Deny' } }],
      }),
    );
    await waitFor('the client is refused', async () => (await get('http://backend.mesh')) === '');
    const { status, text } = await controlPlane.request('GET', '/meshes/default/dataplanes/client/stats');
    assert.equal(status, 200, text);
    assert.match(text, /cluster\.backend\.upstream_rq_completed/);
  });
}
