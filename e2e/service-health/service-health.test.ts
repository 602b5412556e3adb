// Service probes with real Envoys: an application that stops answering leaves its clients' endpoints, and comes back when it answers again.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, test } from 'node:test';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { listen } from '../../examples/service.ts';
import { openEchoService } from '../harness/echo-service.ts';
import { runKumactl } from '../harness/kumactl.ts';
import { answers, openWorld, policy } from '../harness/world.ts';

const world = await openWorld({ KUMA_DEFAULTS_SKIP_MESH_CREATION: 'true' });
after(() => world.close());
const { controlPlane } = world;
await controlPlane.apply({ type: 'Mesh', name: 'default', skipCreatingInitialPolicies: ['*'] });
const serviceProbe = { interval: '1s', timeout: '1s', tcp: {} };
const first = await world.start({ service: 'api', serviceProbe });
const second = await world.start({ service: 'api', serviceProbe });
const client = await world.start({ service: 'client', calls: ['api'] });
const url = client.urlOf('api');

/** State and health of the first inbound. */
async function inboundOf(name: string): Promise<readonly unknown[]> {
  const { json } = await controlPlane.request('GET', `/meshes/default/dataplanes/${name}`);
  const [inbound] = (json as { networking: { inbound: [{ state?: string; health?: { ready?: boolean } }] } }).networking
    .inbound;
  return [inbound.state, inbound.health?.ready];
}

/** Ports that the client's Envoy sends requests for the service to. */
async function endpoints(): Promise<readonly number[]> {
  const clusters = await client.admin('/clusters?filter=^api$');
  return [...new Set([...clusters.matchAll(/^api::127\.0\.0\.1:(\d+)::/gm)].map(([, port]) => Number(port)))].sort();
}
const sendsTo = (...services: readonly { readonly inboundPort: number }[]) => {
  const wanted = services.map(({ inboundPort }) => inboundPort).sort();
  return waitFor(`the client sends to ${wanted}`, async () => (await endpoints()).join() === wanted.join(), {
    within: 30_000,
    every: 10,
  });
};

async function kumactl(...args: readonly string[]): Promise<string> {
  const { stdout, stderr, code } = await runKumactl(controlPlane.apiUrl, args);
  assert.equal(code, 0, stderr);
  return stdout;
}

test('an application that stops answering leaves its clients, and comes back', async (t) => {
  await sendsTo(first, second);
  await answers(url, 200);
  let application = second.echo;
  for (let round = 0; round < 3; round += 1) {
    const load = world.load({ url, perSecond: 100 });
    await waitFor('there is traffic', () => load.report().sent > 20);
    await application.close();
    const died = performance.now();
    await sendsTo(first);
    const outAfter = Math.round(performance.now() - died);
    const { failures } = load.report();
    const { sent } = load.report();
    await waitFor('there is traffic without it', () => load.report().sent > sent + 100);
    const whole = await load.stop();
    t.diagnostic(`out after ${outAfter} ms; ${failures.length} of ${sent} requests failed until then`);
    // Requests that were under way when it left may still fail.
    assert.ok(whole.failures.length <= failures.length + 3, `${whole.failures.slice(failures.length)}`);
    assert.deepEqual(await inboundOf(second.name), ['NotReady', false]);
    application = await openEchoService(second.name, second.echo.port);
    await sendsTo(first, second);
    assert.deepEqual(await inboundOf(second.name), ['Ready', true]);
  }
  await application.close();
  await sendsTo(first);
});

test('what is out is named, with since when and why', async () => {
  const list = await kumactl('inspect', 'dataplanes');
  assert.match(list, new RegExp(`${first.name}.* Online`));
  assert.match(list, new RegExp(`${second.name}.* Offline`));
  const why = `nothing accepts connections at 127.0.0.1:${second.echo.port}`;
  const inbounds = await kumactl('inspect', 'dataplane', second.name, '--type', 'inbounds');
  assert.match(inbounds, new RegExp(`127.0.0.1:${second.inboundPort} .* NotReady +\\d+s +its probe fails: ${why}`));
  const explained = await kumactl('explain', 'client', 'api');
  assert.match(explained, /1 of 2 endpoints ready/);
  assert.match(explained, new RegExp(`${second.name} gets no requests at .* ${why}`));
});

test('a control plane that was killed comes back to what it knew: nobody becomes ready, nobody unready', async () => {
  const versions = async () => {
    const { json } = await controlPlane.request('GET', '/meshes/default/dataplanes');
    const items = (json as { readonly items: readonly { name: string; modificationTime: string }[] }).items;
    return items.map(({ name, modificationTime }) => `${name} ${modificationTime}`);
  };
  const before = await versions();
  const load = world.load({ url, perSecond: 100 });
  controlPlane.process().signal('SIGKILL');
  await controlPlane.process().exited;
  await controlPlane.restart();
  await waitFor(
    'all proxies are connected again, and have reported again',
    async () => {
      const stats = await Promise.all([first, second].map((proxy) => proxy.admin('/stats?filter=hds_delegate')));
      const reports = stats.map((text) => Number(/hds_delegate.requests: (\d+)/.exec(text)?.[1] ?? 0));
      return reports.every((count) => count > 1);
    },
    { within: 60_000 },
  );
  const { sent } = load.report();
  await waitFor('reports have come', () => load.report().sent > sent + 200, { within: 30_000 });
  const { failures } = await load.stop();
  assert.deepEqual(failures, []);
  assert.deepEqual(await versions(), before, 'nothing was written');
  assert.deepEqual(await endpoints(), [first.inboundPort]);
});

test('an application that stops while the control plane is away leaves when it is back', async () => {
  const application = await openEchoService(second.name, second.echo.port);
  await sendsTo(first, second);
  controlPlane.process().signal('SIGKILL');
  await controlPlane.process().exited;
  await application.close();
  await controlPlane.restart();
  await sendsTo(first);
  await answers(url, 200);
});

test('a check of the clients leads to no endpoint that its own proxy has taken out, and finds what a probe cannot', async () => {
  const conf = {
    interval: '0.2s',
    timeout: '0.5s',
    noTrafficInterval: '0.2s',
    http: { path: '/', expectedStatuses: [200] },
  };
  const spec = {
    targetRef: { kind: 'Mesh' },
    to: [{ targetRef: { kind: 'Mesh' }, default: { ...conf, healthyThreshold: 1, unhealthyThreshold: 1 } }],
  };
  await controlPlane.apply(policy('MeshHealthCheck', 'all', spec));
  const health = () => client.admin('/clusters?filter=^api$');
  await waitFor('the client checks the one that is left', async () =>
    (await health()).includes(`${first.inboundPort}::health_flags::healthy`),
  );
  await sendsTo(first);
  // It accepts connections, so its probe is content, and answers no request as it should.
  const sick = await openSickService(second.echo.port);
  await waitFor('its probe is content', async () => (await inboundOf(second.name))[0] === 'Ready', { within: 60_000 });
  await waitFor('the client has it, and finds it sick', async () =>
    new RegExp(`${second.inboundPort}::health_flags::.*failed_active_hc`).test(await health()),
  );
  for (let turn = 0; turn < 20; turn += 1) assert.equal(await (await fetch(url)).text(), first.name);
  await sick.close();
  await sendsTo(first);
});

/** Answers everything with an error. */
async function openSickService(port: number) {
  const server = createServer((_, response) => response.writeHead(500).end('sick'));
  return await listen(server, port);
}
