// `kuma-cp run --workers 2`: one address, two processes behind it. Proxies of both get what is stored through either; a worker that is killed costs
// no request, its proxies go to the other one, and the process above starts it again.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { startProcess } from '../../examples/demo/child-process.ts';
import { startControlPlane } from '../../examples/demo/control-plane.ts';
import { freePort } from '../../examples/demo/free-ports.ts';
import { startProxy } from '../../examples/demo/proxy.ts';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { openPostgresServer, postgresMissing } from '../../packages/control-plane/test/postgres-server.ts';
import { openEchoService } from '../harness/echo-service.ts';
import { startLoad } from '../harness/load.ts';
import { isAlive } from '../harness/processes.ts';
import { allow, answers, meshWith, programs } from '../harness/world.ts';

const patience = { within: 60_000, every: 200 };

interface Shown {
  readonly id: string;
  readonly status: string;
  readonly proxies: number;
}

test('workers behind one port', { skip: postgresMissing ?? false }, async (context: TestContext) => {
  const folder = mkdtempSync(join(tmpdir(), 'ursa-workers-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const database = await openPostgresServer();
  context.after(() => database.remove());
  const controlPlane = await startControlPlane({
    command: programs.controlPlane,
    folder,
    usualPorts: false,
    environment: {
      ...database.env(await database.createStore()),
      KUMA_GENERAL_WORKERS: '2',
      KUMA_GENERAL_RESILIENT_COMPONENT_BASE_BACKOFF: '1s',
      KUMA_INTER_CP_CATALOG_HEARTBEAT_INTERVAL: '1s',
      KUMA_INTER_CP_CATALOG_INSTANCE_ADDRESS: '127.0.0.1',
    },
  });
  context.after(() => controlPlane.stop());
  const online = async (): Promise<readonly Shown[]> => {
    const { json } = await controlPlane.request('GET', '/_instances');
    return (json as { readonly items: readonly Shown[] }).items.filter(({ status }) => status === 'Online');
  };
  /** The kernel spreads connections by hash, so that one worker may have most of them. */
  const connected = (least: number): Promise<unknown> =>
    waitFor(
      `four proxies are connected, ${least} or more to each worker`,
      async () => {
        const counts = (await online()).map(({ proxies }) => proxies);
        const total = counts.reduce((sum, count) => sum + count, 0);
        if (counts.length !== 2 || total !== 4 || counts.some((count) => count < least)) throw new Error(counts.join());
        return true;
      },
      patience,
    );
  const workers = (): readonly number[] => childrenOf(controlPlane.process().pid);

  await controlPlane.apply(meshWith('STRICT'));
  await controlPlane.apply(allow('client'));
  const retries = await controlPlane.request('DELETE', '/meshes/default/meshretries/mesh-retry-all-default');
  assert.equal(retries.status, 200);
  const echo = await openEchoService('backend');
  context.after(() => echo.close());
  const outbound = await freePort();
  for (const [service, name] of [
    ['backend', 'backend-1'],
    ['client', 'client-1'],
    ['idle', 'idle-1'],
    ['idle', 'idle-2'],
  ] as const) {
    const proxy = await startProxy({
      ...{ command: programs.dataPlane, controlPlane, folder, name, service, servicePort: echo.port },
      ...{ outbounds: service === 'client' ? { backend: outbound } : {}, inboundPort: await freePort() },
    });
    context.after(() => proxy.process.stop(1_000));
  }
  const url = `http://127.0.0.1:${outbound}`;
  await answers(url, 200, 60_000);
  await connected(1);

  await context.test('a change reaches the proxies of both', async () => {
    await controlPlane.delete(allow('client'));
    await answers(url, 403, 60_000);
    await controlPlane.apply(allow('client'));
    await answers(url, 200, 60_000);
    await waitFor(
      'all have it',
      async () => {
        const { json } = await controlPlane.request('GET', '/_rollout?wait=20s');
        const { counts, done } = json as { readonly counts: { readonly total: number }; readonly done: boolean };
        return counts.total === 4 && done;
      },
      patience,
    );
  });

  await context.test('a host joins without a token through the socket of its user', async () => {
    const joining = startProcess({
      name: 'kuma-dp',
      command: programs.dataPlane,
      args: ['run', '--service', 'joined', '--port', String(echo.port), '--protocol', 'http'],
      environment: { KUMA_GENERAL_WORK_DIR: folder },
    });
    try {
      await waitFor(
        'its Dataplane is there',
        async () => {
          if (!joining.running()) return 'ended';
          const { text } = await controlPlane.request('GET', '/meshes/default/dataplanes');
          return text.includes('"joined') && 'there';
        },
        patience,
      );
      assert.ok(joining.running(), joining.output());
    } finally {
      await joining.stop(1_000);
    }
  });

  await context.test('whoever is slow with its headers is sent away, by either worker', async () => {
    const { hostname, port } = new URL(controlPlane.apiUrl);
    const received = await Promise.all(
      Array.from({ length: 16 }, async () => {
        const socket = connect(Number(port), hostname);
        const part = once(socket, 'data');
        // A header every now and then: the time is that for all of them.
        const dripping = setInterval(() => socket.write('X-More: 1\r\n'), 200);
        try {
          socket.write(`GET /meshes HTTP/1.1\r\nHost: ${hostname}\r\n`);
          return String((await part)[0]);
        } finally {
          clearInterval(dripping);
          socket.destroy();
        }
      }),
    );
    for (const text of received) assert.match(text, /^HTTP\/1\.1 408 /);
  });

  await context.test('one is killed: no request is lost, and it is started again', async () => {
    const load = startLoad({ url, perSecond: 50 });
    const connecting = startLoad({ url, perSecond: 10, newConnections: true });
    context.after(async () => void (await Promise.all([load.stop(), connecting.stop()])));
    const [victim] = workers();
    assert.ok(victim !== undefined);
    process.kill(victim, 'SIGKILL');
    await waitFor('it is gone', async () => !isAlive(victim), patience);
    await waitFor('another one is in its place', async () => workers().length === 2 && workers(), patience);
    await connected(0);
    for (const each of [load, connecting]) {
      const { sent, failures } = await each.stop();
      assert.deepEqual(failures, [], `${failures.length} of ${sent} requests failed`);
    }
    assert.match(controlPlane.process().output(), /a worker has ended and is started again/);
  });

  await context.test('all end in order with the process above', async () => {
    const before = workers();
    assert.equal(before.length, 2);
    await controlPlane.stop();
    assert.deepEqual(before.filter(isAlive), [], controlPlane.process().output().slice(-2000));
  });
});

/** Ids of the processes that one has started and that run. */
function childrenOf(pid: number): readonly number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(/\s+/).map(Number).filter(isAlive);
}
