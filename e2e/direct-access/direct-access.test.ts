// Direct access: a program that picks an instance by its address speaks to that one through the mesh, in a mesh that refuses plain text. Hosts are
// network namespaces with redirected traffic.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { type HostProxy, hostsMissing, isInside, openHosts, runInside, users } from '../harness/hosts.ts';
import { allowAll, meshWith, openWorld } from '../harness/world.ts';

const missing = hostsMissing();
if (missing !== false) {
  test('direct access', { skip: missing }, () => {}); // because hosts are network namespaces with real iptables
} else if (isInside) {
  test('hosts with redirected traffic', story);
} else {
  test('single instances are called through the mesh, in network namespaces', () => runInside(import.meta.filename));
}

async function story(context: TestContext): Promise<void> {
  const hosts = openHosts();
  const client = hosts.add('client', 2);
  const servers = [hosts.add('first', 3), hosts.add('second', 4)];
  const world = await openWorld();
  const { controlPlane } = world;
  const programs = servers.map((host, index) => host.serve(['http', '127.0.0.1', 8080, `instance-${index + 1}`]));
  const proxies: HostProxy[] = [];
  context.after(async () => {
    await Promise.all([...programs, ...proxies.map(({ process }) => process)].map((process) => process.stop()));
    await world.close();
  });
  const tags = (service: string) => ({ 'kuma.io/service': service, 'kuma.io/protocol': 'http' });
  const clientWith = (transparentProxying: object) => ({
    type: 'Dataplane',
    mesh: 'default',
    name: 'client',
    networking: { address: client.ipv4, inbound: [{ port: 1, tags: tags('client') }], transparentProxying },
  });
  const get = async (address: string): Promise<string> => {
    const { code, output } = await client.run(['curl', '-sf', '-m', '4', `http://${address}:8080`], users.application);
    return code === 0 ? output.trim() : 'nothing';
  };
  const gives = (address: string, expected: RegExp): Promise<string> =>
    waitFor(`${address} gives ${expected}`, async () => {
      const answer = await get(address);
      if (!expected.test(answer)) throw new Error(`got "${answer}"`);
      return answer;
    });

  await controlPlane.apply(meshWith('STRICT'));
  await controlPlane.apply(allowAll);
  await Promise.all([client, ...servers].map((host) => host.shell('kumactl install transparent-proxy')));
  const start = async (): Promise<void> => {
    proxies.push(
      ...(await Promise.all([
        ...servers.map((host, index) =>
          host.startProxy(controlPlane, {
            type: 'Dataplane',
            mesh: 'default',
            name: `server-${index + 1}`,
            networking: {
              address: host.ipv4,
              inbound: [{ port: 8080, serviceAddress: '127.0.0.1', tags: tags(`service-${index + 1}`) }],
            },
          }),
        ),
        client.startProxy(controlPlane, clientWith({ directAccessServices: ['service-1'] })),
      ])),
    );
  };
  await start();

  await context.test(
    'the instance of a service that is listed answers; one that is not is called in plain text',
    async () => {
      await gives(servers[0]?.ipv4 ?? '', /^instance-1 from 127\.0\.0\.1$/);
      assert.equal(await get(servers[1]?.ipv4 ?? ''), 'nothing');
    },
  );
}
