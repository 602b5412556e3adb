// Two services and their mesh in three commands: no token, no Dataplane, no certificate, no port of a proxy is said by anybody.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { findEnvoy } from '@ursa/data-plane';
import { type ChildProcess, startProcess } from '../../examples/demo/child-process.ts';
import { startControlPlane } from '../../examples/demo/control-plane.ts';
import { freePort } from '../../examples/demo/free-ports.ts';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { type EchoService, openEchoService } from '../harness/echo-service.ts';
import { allow, answers, meshWith, programs } from '../harness/world.ts';

const home = mkdtempSync(join(tmpdir(), 'ursa-three-'));
after(() => rmSync(home, { recursive: true, force: true }));
// All of one user: that is how they find each other.
const environment = { HOME: home, KUMA_GENERAL_WORK_DIR: '' };
const envoy = findEnvoy('envoy', process.env, home);

async function service(name: string): Promise<EchoService> {
  const echo = await openEchoService(name, await freePort());
  after(() => echo.close());
  return echo;
}

function runProxy(name: string, { port }: EchoService, ...more: readonly string[]): ChildProcess {
  const proxy = startProcess({
    name: `kuma-dp of ${name}`,
    command: programs.dataPlane,
    args: ['run', '--service', name, '--port', String(port), ...more],
    environment: { ...environment, KUMA_DATAPLANE_RUNTIME_BINARY_PATH: envoy, KUMA_DATAPLANE_DRAIN_TIME: '1s' },
  });
  after(() => proxy.stop(20_000));
  return proxy;
}

const says = (proxy: ChildProcess, words: string): Promise<boolean> =>
  waitFor(`${proxy.name} says "${words}"`, () => proxy.output().includes(words) || !proxy.running(), {
    within: 60_000,
  }).then(() => assert.ok(proxy.running() && proxy.output().includes(words), proxy.output()) ?? true);

const [api, web] = [await service('api'), await service('web')];
const apiPort = await freePort();
const apiUrl = `http://127.0.0.1:${apiPort}`;

// The control plane comes second: in which order they are started does not matter.
const apiProxy = runProxy('api', api);
await says(apiProxy, 'no control plane of this user was found on this host');
const controlPlane = await startControlPlane({
  command: programs.controlPlane,
  folder: home,
  usualPorts: false,
  environment,
});
after(() => controlPlane.stop());
const webProxy = runProxy('web', web, '--calls', `api=${apiPort}`);

test('a service calls the other', async () => {
  for (const proxy of [apiProxy, webProxy]) await says(proxy, 'ready: others may send to this proxy');
  assert.equal(await answers(apiUrl, 200, 30_000), 'api');
});

/** Who calls in plain text is known here: only these proxies, which go along. */
async function goStrict(more: object): Promise<void> {
  const { status, text } = await controlPlane.request('PUT', '/meshes/default?force=true', {
    ...meshWith('STRICT'),
    ...more,
  });
  assert.equal(status, 200, text);
}

test('over mutual TLS, once the mesh is told to; each has its own identity, and permissions count', async () => {
  await goStrict({});
  await controlPlane.apply(allow('nobody'));
  await answers(apiUrl, 403);
  await controlPlane.apply(allow('web'));
  assert.equal(await answers(apiUrl, 200), 'api');
  const identity = String(api.lastHeaders()['x-forwarded-client-cert']);
  assert.match(identity, /By=spiffe:\/\/default\/api;.*URI=spiffe:\/\/default\/web(;|$)/);
});

test('the proxies are called after service and host, and share no port', async () => {
  const { json } = await controlPlane.request('GET', '/meshes/default/dataplanes');
  const { items } = json as { items: readonly { name: string; networking: Networking }[] };
  assert.deepEqual(items.map(({ name }) => name.replace(/^([a-z]+)-.*-(\d+)$/, '$1 $2')).toSorted(), [
    `api ${api.port}`,
    `web ${web.port}`,
  ]);
  const ports = items.flatMap(({ networking: { admin, inbound, outbound = [] } }) =>
    [admin, ...inbound, ...outbound].map(({ port }) => port),
  );
  assert.equal(new Set(ports).size, 5);
  const protocols = items.flatMap(({ networking }) => networking.inbound.map(({ tags }) => tags['kuma.io/protocol']));
  assert.deepEqual(protocols, ['http', 'http']);
});

interface Networking {
  readonly admin: { readonly port: number };
  readonly inbound: readonly { readonly port: number; readonly tags: Readonly<Record<string, string>> }[];
  readonly outbound?: readonly { readonly port: number }[];
}

test('a third one calls without saying a port, and is told where', async () => {
  const job = await service('job');
  const proxy = runProxy('job', job, '--calls', 'api', '--calls', 'web');
  await says(proxy, 'ready: others may send to this proxy');
  const [, port] = /api is called at 127\.0\.0\.1:(\d+)/.exec(proxy.output()) ?? [];
  await answers(`http://127.0.0.1:${port}`, 403);
  await controlPlane.apply(allow('job'));
  assert.equal(await answers(`http://127.0.0.1:${port}`, 200), 'api');
});

test('started again, it is the same proxy', async () => {
  const before = await controlPlane.request('GET', '/meshes/default/dataplanes');
  await webProxy.stop(20_000);
  const again = runProxy('web', web, '--calls', `api=${apiPort}`);
  await says(again, 'ready: others may send to this proxy');
  assert.equal(await answers(apiUrl, 200), 'api');
  const names = ({ json }: typeof before) =>
    // That of the test before is on its way out.
    (json as { items: readonly { name: string }[] }).items.flatMap(({ name }) => (name.startsWith('job-') ? [] : name));
  assert.deepEqual(names(await controlPlane.request('GET', '/meshes/default/dataplanes')), names(before));
});

test('in a mesh of MeshServices a service is called with and without its port, and each instance is reached at the port that it has', async () => {
  await goStrict({ meshServices: { mode: 'Exclusive' } });
  const servicePort = await waitFor('there is a MeshService', async () => {
    const { json } = await controlPlane.request('GET', '/meshes/default/meshservices/api');
    return (json as { spec?: { ports?: readonly { port: number }[] } }).spec?.ports?.[0]?.port;
  });
  const second = await openEchoService('second api', await freePort());
  after(() => second.close());
  const late = await service('late');
  const [port, portless] = [await freePort(), await freePort()];
  const proxy = runProxy('late', late, '--calls', `api:${servicePort}=${port},api=${portless}`);
  await controlPlane.apply(allow('late'));
  for (const each of [proxy, runProxy('api', second)]) await says(each, 'ready: others may send to this proxy');
  for (const url of [`http://127.0.0.1:${port}`, `http://127.0.0.1:${portless}`]) {
    const seen = new Set<string>();
    await waitFor(
      'both instances answer',
      async () => {
        seen.add(await answers(url, 200));
        return seen.size === 2;
      },
      { within: 30_000 },
    );
    assert.deepEqual([...seen].sort(), ['api', 'second api']);
  }
  // What a MeshService says of its instances is written a moment after they serve.
  const ports = await waitFor('both instances are counted', async () => {
    const { json } = await controlPlane.request('GET', '/meshes/default/meshservices/api');
    const { spec, status } = json as { spec: { ports: readonly object[] }; status: { dataplaneProxies: object } };
    assert.deepEqual(status.dataplaneProxies, { connected: 2, healthy: 2, total: 2 });
    return spec.ports;
  });
  assert.equal(ports.length, 1);
});

test('a proxy with a token and a Dataplane of its own needs no certificate of that control plane either', async () => {
  const files = { token: join(home, 'token'), dataplane: join(home, 'dataplane.yaml') };
  writeFileSync(files.token, await controlPlane.dataplaneToken('default', 'by-hand'));
  const inbound = [{ port: await freePort(), tags: { 'kuma.io/service': 'by-hand' } }];
  writeFileSync(
    files.dataplane,
    JSON.stringify({
      type: 'Dataplane',
      mesh: 'default',
      name: 'by-hand',
      networking: { address: '127.0.0.1', inbound },
    }),
  );
  const proxy = startProcess({
    name: 'kuma-dp by hand',
    command: programs.dataPlane,
    args: [
      'run',
      `--cp-address=${controlPlane.dataPlaneUrl}`,
      `--dataplane-file=${files.dataplane}`,
      `--dataplane-token-file=${files.token}`,
    ],
    environment: { ...environment, KUMA_DATAPLANE_RUNTIME_BINARY_PATH: envoy, KUMA_DATAPLANE_DRAIN_TIME: '1s' },
  });
  after(() => proxy.stop(20_000));
  await says(proxy, 'is verified by what it says itself');
  await says(proxy, 'ready: others may send to this proxy');
});
