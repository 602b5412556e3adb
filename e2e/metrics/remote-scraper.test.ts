// Metrics that the mesh secures, asked for from another host: only who shows a certificate of the mesh gets them.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { type Host, hostsMissing, isInside, openHosts, runInside } from '../harness/hosts.ts';
import { meshWith, openWorld, policy } from '../harness/world.ts';

const missing = hostsMissing();
if (missing !== false) {
  test('metrics asked for from another host', { skip: missing }, () => {}); // because hosts are network namespaces
} else if (isInside) {
  test('a scraper on a host of its own', story);
} else {
  test('metrics asked for from another host, in network namespaces', () => runInside(import.meta.filename));
}

const port = 5670;

/** What curl got from the metrics of a host; the reason when it got nothing. */
async function scrape(from: Host, of: Host, scheme: 'http' | 'https', flags: readonly string[] = []): Promise<string> {
  const url = `${scheme}://${of.ipv4}:${port}/metrics`;
  const { code, output } = await from.run(['curl', '-sS', '-m', '4', ...flags, url]);
  return code === 0 ? output : `refused: ${output}`;
}

/** Makes a certificate under an authority, or one that signs itself; gives curl's flags to show it. */
async function certificate(host: Host, folder: string, name: string, ca?: string): Promise<readonly string[]> {
  const file = join(folder, name);
  const signed = ca === undefined ? '' : `-CA ${ca}.crt -CAkey ${ca}.key`;
  await host.shell(
    `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=${name} -keyout ${file}.key -out ${file}.crt ${signed} \
      -addext subjectAltName=URI:spiffe://default/${name} -addext extendedKeyUsage=clientAuth 2>&1`,
  );
  return ['--cert', `${file}.crt`, '--key', `${file}.key`];
}

async function story(context: TestContext): Promise<void> {
  const hosts = openHosts();
  const server = hosts.add('server', 2);
  const monitor = hosts.add('monitor', 3);
  const world = await openWorld();
  const { controlPlane } = world;
  await controlPlane.apply(meshWith('STRICT'));
  const tls = { mode: 'ActiveMTLSBackend' };
  const backends = [{ type: 'Prometheus', prometheus: { port, path: '/metrics', tls } }];
  await controlPlane.apply(policy('MeshMetric', 'secured', { targetRef: { kind: 'Mesh' }, default: { backends } }));
  const tags = { 'kuma.io/service': 'server', 'kuma.io/protocol': 'http' };
  const proxy = await server.startProxy(controlPlane, {
    type: 'Dataplane',
    mesh: 'default',
    name: 'server',
    networking: { address: server.ipv4, inbound: [{ port: 8080, tags }] },
  });
  context.after(async () => {
    await proxy.process.stop();
    await world.close();
  });

  // The authority of the mesh, as its administrator can read it.
  const ca = join(hosts.folder, 'mesh');
  for (const [part, ending] of [
    ['cert', 'crt'],
    ['key', 'key'],
  ]) {
    const secret = await controlPlane.request('GET', `/meshes/default/secrets/default.ca-builtin-${part}-ca-1`);
    const { data } = secret.json as { readonly data: string };
    await monitor.shell(`base64 -d > ${ca}.${ending} <<< ${data}`);
  }
  const ofMesh = await certificate(monitor, hosts.folder, 'prometheus', ca);
  const ofNobody = await certificate(monitor, hosts.folder, 'stranger');

  await context.test('with a certificate of the mesh they are there', async () => {
    const text = await waitFor('the metrics', async () => {
      const answer = await scrape(monitor, server, 'https', ['-k', ...ofMesh]);
      if (!answer.includes('envoy_server_uptime')) throw new Error(answer.slice(0, 300));
      return answer;
    });
    assert.match(text, /^envoy_/m);
  });

  await context.test('in clear text, without a certificate or with one of somebody else they are not', async () => {
    for (const answer of [
      await scrape(monitor, server, 'http'),
      await scrape(monitor, server, 'https', ['-k']),
      await scrape(monitor, server, 'https', ['-k', ...ofNobody]),
    ]) {
      assert.match(answer, /^refused: /);
      assert.doesNotMatch(answer, /envoy_server_uptime/);
    }
  });

  await context.test('the server shows a certificate of the mesh, too', async () => {
    const shown = await monitor.shell(
      `echo | openssl s_client -connect ${server.ipv4}:${port} -cert ${ofMesh[1]} -key ${ofMesh[3]} -CAfile ${ca}.crt 2>/dev/null | grep 'Verify return code'; true`,
    );
    assert.match(shown, /Verify return code: 0 \(ok\)/);
  });

  await context.test("the proxy's own host needs none", async () => {
    assert.match(await scrape(server, server, 'http'), /envoy_server_uptime/);
  });
}
