// Programs that know nothing of a mesh talk through it: their hosts' traffic is redirected by the rules that kumactl installs, by either kind of
// iptables, in both families. Names come from kuma-dp's DNS, which passes on what is not of the mesh.
import assert from 'node:assert/strict';
import { chownSync, statSync, writeFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { type Host, type HostProxy, hostsMissing, isInside, openHosts, runInside, users } from '../harness/hosts.ts';
import { virtualAddresses } from '../harness/virtual-addresses.ts';
import { allowAll, meshWith, openWorld, policy } from '../harness/world.ts';

const missing = hostsMissing();
if (missing !== false) {
  test('transparent proxying', { skip: missing }, () => {}); // because hosts are network namespaces with real iptables
} else if (isInside) {
  test('hosts with redirected traffic', story);
} else {
  test('unmodified programs talk through the mesh, in network namespaces', () => runInside(import.meta.filename));
}

const legacyPrograms = ['iptables', 'ip6tables']
  .flatMap((prefix) => ['', '-save', '-restore'].map((end) => `${prefix}${end}:$(command -v ${prefix}-legacy${end})`))
  .join(',');

/** Rules of a host, both kinds and both families, without counters. */
const allRules =
  "for kind in nft legacy; do for name in iptables ip6tables; do $name-$kind-save 2>/dev/null | grep -E '^-A|^:[A-Z_]+ -' | sed 's/ \\[.*//'; done; done; true";

/** What curl got, as the applications' user; '' when it got nothing. */
async function get(
  from: Host,
  url: string,
  options: readonly string[] = [],
  uid: number = users.application,
): Promise<string> {
  const { code, output } = await from.run(['curl', '-sf', '-m', '4', ...options, url], uid);
  return code === 0 ? output.trim() : '';
}

async function story(context: TestContext): Promise<void> {
  const hosts = openHosts();
  const client = hosts.add('client', 2);
  const server = hosts.add('server', 3);
  const outside = hosts.add('outside', 9);
  const world = await openWorld();
  const { controlPlane } = world;
  const programs = [
    server.serve(
      ['http', '127.0.0.1', 8080, 'on-localhost'],
      ['http', '0.0.0.0', 8081, 'on-everything'],
      ['http', server.ipv4, 8082, 'on-the-host'],
      ['http', server.ipv6, 8083, 'on-ipv6'],
      ['tcp', '0.0.0.0', 8084, 'raw'],
      ['http', '0.0.0.0', 9998, 'undeclared'],
      ['http', '0.0.0.0', 9999, 'excluded'],
    ),
    outside.serve(...[8000, 7777, 7778].map((port) => ['http', '::', port, 'outside'] as const)),
  ];
  const dns = outside.serveDns({ 'outside.example': outside.ipv4 });
  hosts.setDnsServers(outside.ipv4);
  const proxies: HostProxy[] = [];
  context.after(async () => {
    await Promise.all([...programs, dns, ...proxies.map(({ process }) => process)].map((process) => process.stop()));
    await world.close();
  });
  const gives = (what: string, probe: () => Promise<string>, expected: RegExp): Promise<string> =>
    waitFor(what, async () => {
      const answer = await probe();
      if (!expected.test(answer)) throw new Error(`got "${answer}"`);
      return answer || ' ';
    });

  await controlPlane.apply(meshWith('STRICT'));
  await controlPlane.apply(allowAll);
  const rulesBefore = { client: await client.shell(allRules), server: await server.shell(allRules) };

  await context.test('kumactl installs the rules: by nft on one host, by legacy on the other', async () => {
    await gives('the network is there', () => get(client, `http://[${outside.ipv6}]:8000`), /outside/);
    const flags = `--redirect-dns --exclude-outbound-ports 7777 --exclude-outbound-ports-for-uids ${users.other}`;
    await Promise.all([
      client.shell(`kumactl install transparent-proxy --iptables-executables "${legacyPrograms}" ${flags}`),
      server.shell('kumactl install transparent-proxy --redirect-all-dns-traffic --exclude-inbound-ports 9999'),
    ]);
    assert.match(await client.shell('iptables-legacy-save; ip6tables-legacy-save'), /KUMA_MESH[\s\S]*KUMA_MESH/);
    assert.match(await server.shell('iptables-nft-save; ip6tables-nft-save'), /KUMA_MESH[\s\S]*KUMA_MESH/);
  });

  await context.test(
    'kuma-dp runs as its own user, without outbounds and without ports of redirection in its Dataplane',
    async () => {
      const http = (service: string) => ({ 'kuma.io/service': service, 'kuma.io/protocol': 'http' });
      const started = await Promise.all([
        server.startProxy(controlPlane, {
          type: 'Dataplane',
          mesh: 'default',
          name: 'server',
          networking: {
            address: server.ipv4,
            inbound: [
              { port: 8080, serviceAddress: '127.0.0.1', tags: http('on-localhost') },
              { port: 8081, tags: http('on-everything') },
              { port: 8082, tags: http('on-the-host') },
              { port: 8083, address: server.ipv6, tags: http('on-ipv6') },
              { port: 8084, tags: { 'kuma.io/service': 'raw' } },
            ],
          },
        }),
        client.startProxy(controlPlane, {
          type: 'Dataplane',
          mesh: 'default',
          name: 'client',
          networking: { address: client.ipv4, inbound: [{ port: 1, tags: http('client') }] },
        }),
      ]);
      proxies.push(...started);
    },
  );

  await context.test("kuma-dp's DNS has the names of the mesh, and passes on all others", async () => {
    const lookUp = (from: Host, words: string): Promise<string> => from.shell(`timeout 5 getent ${words} || true`);
    const addresses = (await virtualAddresses(controlPlane, 'client', ['on-everything']))['on-everything.mesh'] ?? [];
    assert.equal(addresses.length, 2);
    for (const host of [client, server]) {
      for (const address of addresses) {
        const database = address.includes(':') ? 'ahostsv6' : 'ahostsv4';
        await gives(
          `${address}`,
          () => lookUp(host, `${database} on-everything.mesh`),
          new RegExp(`^${address} `, 'm'),
        );
        await gives(`the name of ${address}`, () => lookUp(host, `hosts ${address}`), /on-everything\.mesh/);
      }
      assert.match(await lookUp(host, 'ahostsv4 outside.example'), new RegExp(`^${outside.ipv4} `));
      assert.equal(await lookUp(host, 'ahostsv4 nowhere.example'), '');
    }
  });

  await context.test('HTTP by name, IPv4 and IPv6, wherever the application listens', async () => {
    const from: Readonly<Record<string, RegExp>> = {
      'on-localhost': /^on-localhost from 127\.0\.0\.1$/,
      'on-everything': /^on-everything from 127\.0\.0\.6$/,
      'on-the-host': /^on-the-host from 127\.0\.0\.6$/,
      'on-ipv6': /^on-ipv6 from ::6$/,
    };
    for (const [service, expected] of Object.entries(from)) {
      for (const family of ['-4', '-6']) {
        await gives(`${service} over ${family}`, () => get(client, `http://${service}.mesh`, [family]), expected);
      }
    }
  });

  await context.test('a host reaches its own services through the mesh', async () => {
    await gives('on-everything', () => get(server, 'http://on-everything.mesh'), /^on-everything from 127\.0\.0\.6$/);
    await gives('on-ipv6', () => get(server, 'http://on-ipv6.mesh', ['-6']), /^on-ipv6 from ::6$/);
  });

  await context.test('TCP by name, IPv4 and IPv6', async () => {
    const addresses = (await virtualAddresses(controlPlane, 'client', ['raw']))['raw.mesh'] ?? [];
    assert.equal(addresses.length, 2);
    for (const address of ['raw.mesh', ...addresses]) {
      // Without --norc, bash whose input is a socket reads root's .bashrc, where nobody has counted its levels (SHLVL).
      const script = `exec 3<>/dev/tcp/${address}/80; echo hello >&3; head -1 <&3`;
      const talk = async (): Promise<string> =>
        (await client.run(['timeout', '4', 'bash', '--norc', '-c', script], users.application)).output.trim();
      await gives(`raw at ${address}`, talk, /^raw from 127\.0\.0\.6$/);
    }
  });

  await context.test('names of the mesh outlive the DNS server of the host', async () => {
    await gives('a name from outside', () => get(client, 'http://outside.example:8000'), /^outside/);
    await dns.stop();
    assert.match(await get(client, 'http://on-everything.mesh'), /^on-everything/);
    assert.match(await get(client, 'http://outside.example:8000'), /^outside/, 'what was known is still told');
    assert.equal(await get(client, 'http://other.example:8000'), '');
  });

  await context.test('it was mutual TLS, and whoever is not in the mesh is refused', async () => {
    const stats = (await proxies[0]?.admin('/stats?filter=ssl.handshake')) ?? '';
    const handshakes = [...stats.matchAll(/^listener\.\S+_808\d\.ssl\.handshake: (\d+)$/gm)].map(([, count]) =>
      Number(count),
    );
    assert.ok(handshakes.length >= 5 && handshakes.every((count) => count > 0), stats);
    for (const port of [8081, 8082]) assert.equal(await get(outside, `http://${server.ipv4}:${port}`), '');
    assert.equal(await get(outside, `http://[${server.ipv6}]:8083`), '');
  });

  await context.test(
    'a port that is excluded is reached past Envoy; one that nobody declared is not reached',
    async () => {
      assert.match(await get(outside, `http://${server.ipv4}:9999`), new RegExp(`^excluded from ${outside.ipv4}`));
      assert.equal(await get(outside, `http://${server.ipv4}:9998`), '');
    },
  );

  const everywhere = [`http://${outside.ipv4}:8000`, `http://[${outside.ipv6}]:8000`, `http://${outside.ipv4}:7778`];
  await context.test('what lies outside is reached through Envoy, while the mesh lets it', async () => {
    for (const url of everywhere) await gives(url, () => get(client, url), /^outside/);
    await controlPlane.apply(policy('MeshPassthrough', 'none', { default: { passthroughMode: 'None' } }));
    for (const url of everywhere) await gives(`${url} is closed`, () => get(client, url), /^$/);
  });

  await context.test('excluded ports and users leave past Envoy all the same', async () => {
    for (const address of [outside.ipv4, `[${outside.ipv6}]`])
      assert.match(await get(client, `http://${address}:7777`), /^outside/);
    for (const url of everywhere) assert.match(await get(client, url, [], users.other), /^outside/);
  });

  await context.test('installed again, the rules change without a gap, and connections stay', async () => {
    const over = `${hosts.folder}/installed-again`;
    // Connected before, it speaks only afterwards.
    const connection = `exec 3<>/dev/tcp/raw.mesh/80; until [ -e ${over} ]; do sleep 0.05; done; echo hello >&3; head -1 <&3`;
    const talk = client.run(['bash', '--norc', '-c', connection], users.application);
    // What is closed never opens. However fast one installation is: there are as many as it takes for some attempts.
    const [url = ''] = everywhere;
    const attempts = `${hosts.folder}/attempts`;
    writeFileSync(attempts, '');
    chownSync(attempts, users.application, users.application);
    const attempt = `until [ -e ${over} ]; do curl -s -m 2 ${url} && echo leak; echo >> ${attempts}; sleep 0.01; done`;
    const attack = client.run(['bash', '--norc', '-c', attempt], users.application);
    const flags = `--iptables-executables "${legacyPrograms}" --redirect-dns`;
    do {
      for (const changed of ['', '--drop-invalid-packets'])
        await client.shell(`kumactl install transparent-proxy ${flags} ${changed}`);
    } while (statSync(attempts).size <= 10);
    await client.shell(`touch ${over}`);
    assert.match((await talk).output, /^raw from 127\.0\.0\.6$/m);
    assert.doesNotMatch((await attack).output, /leak|outside/);
    // The exclusions are gone.
    assert.equal(await get(client, `http://${outside.ipv4}:7777`), '');
    assert.match(await get(client, 'http://on-everything.mesh'), /^on-everything/);
  });

  await context.test('uninstalled, the hosts are as they were', async () => {
    await Promise.all([client, server].map((host) => host.shell('kumactl uninstall transparent-proxy')));
    assert.equal(await client.shell(allRules), rulesBefore.client);
    assert.equal(await server.shell(allRules), rulesBefore.server);
    for (const url of everywhere) assert.match(await get(client, url), /^outside/);
    assert.match(await get(outside, `http://${server.ipv4}:9998`), /^undeclared/);
    assert.equal(await get(client, 'http://on-everything.mesh', ['-4']), '');
  });
}
