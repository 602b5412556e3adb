// The real Envoy against our ADS server, in both protocols: it connects, takes everything, and traffic flows while destinations change.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { connectTo } from '../xds/ads-client.ts';
import { configurationOf, edsCluster, endpointsOf, httpListener, routeTo } from '../xds/hand-made-mesh.ts';
import { type RunningServer, startServer } from '../xds/running-server.ts';
import { eventually, type RealEnvoy, startEnvoy } from './real-envoy.ts';

/** A service that answers with its name. */
async function startService(name: string): Promise<{ port: number; stop(): void }> {
  const server = createServer((_request, response) => response.end(name));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as AddressInfo).port, stop: () => server.close().closeAllConnections() };
}

async function freePort(): Promise<number> {
  const service = await startService('');
  service.stop();
  return service.port;
}

/** Envoy with the bootstrap that the server itself gives for the Dataplane `web`. */
async function startProxy(running: RunningServer, features: readonly string[]): Promise<RealEnvoy> {
  const connection = await connectTo(running.port);
  const { status, body } = await connection.post(
    '/bootstrap',
    JSON.stringify({ mesh: 'default', name: 'web', workdir: '/tmp', features }),
  );
  connection.close();
  assert.equal(status, 200, body);
  return startEnvoy(() => parse(body));
}

for (const [protocol, features] of [
  ['incremental', ['feature-delta-grpc']],
  ['state of the world', []],
] as const) {
  describe(`the real Envoy, ${protocol}`, () => {
    test('takes its configuration, keeps serving while it changes, and reports what it rejects', async () => {
      const running = await startServer();
      const [one, two] = [await startService('one'), await startService('two')];
      const port = await freePort();
      const config = (cluster: string, servicePort: number, timeout = 5, prefix = 'outbound') =>
        configurationOf(
          edsCluster(cluster, timeout),
          endpointsOf(cluster, [servicePort]),
          httpListener('out', port, prefix),
          routeTo('out', cluster),
        );
      running.configure('default/web', config('one', one.port));
      const envoy = await startProxy(running, features);
      const ask = async (): Promise<string> => (await fetch(`http://127.0.0.1:${port}/`)).text();
      const stat = async (name: string): Promise<number> => {
        const line = (await envoy.admin(`/stats?filter=^${name}$`)).trim();
        return Number(line.split(': ')[1] ?? Number.NaN);
      };
      try {
        assert.equal(await eventually(async () => ((await ask()) === 'one' ? 'one' : false)), 'one');

        const answers = new Map<string, number>();
        const underLoad = async (change: () => Promise<void>): Promise<void> => {
          let changing = true;
          const load = (async () => {
            while (changing) {
              const answer = await ask();
              answers.set(answer, (answers.get(answer) ?? 0) + 1);
            }
          })();
          await change();
          changing = false;
          await load;
        };

        // The destination moves to another cluster and back, again and again, under load: no request may fail.
        await underLoad(async () => {
          for (let move = 0; move < 6; move += 1) {
            const [name, service] = move % 2 === 0 ? (['two', two] as const) : (['one', one] as const);
            running.configure('default/web', config(`${name}-${move}`, service.port));
            await eventually(async () => (await ask()) === name);
          }
        });
        assert.deepEqual([...answers.keys()].sort(), ['one', 'two'], `answers: ${JSON.stringify([...answers])}`);

        // A cluster and the listener that leads there change together, as by a policy for the whole mesh. The endpoints, which are the same, come
        // last: the listener does not wait for them, the cluster is warm soon after, and no request fails.
        answers.clear();
        const activeClusters = () => envoy.admin('/config_dump?resource=dynamic_active_clusters');
        await underLoad(async () => {
          for (const timeout of [6, 7, 8, 9]) {
            running.configure('default/web', config('one-5', one.port, timeout, `prefix-${timeout}`));
            await eventually(async () => (await stat(`http.prefix-${timeout}.downstream_rq_2xx`)) > 0);
            await eventually(async () => (await activeClusters()).includes(`"connect_timeout": "${timeout}s"`));
          }
        });
        assert.deepEqual([...answers.keys()], ['one'], `answers: ${JSON.stringify([...answers])}`);
        await eventually(async () => (await stat('cluster_manager.warming_clusters')) === 0);
        assert.equal(await stat('cluster_manager.cds.update_rejected'), 0);
        assert.equal(await stat('listener_manager.lds.update_rejected'), 0);

        // What Envoy does not take is reported in its words; what it has stays.
        const good = config('one-5', one.port, 9);
        const clash = httpListener('clash', 70_000);
        running.configure('default/web', { ...good, listener: new Map([...good.listener, ['clash', clash]]) });
        const rejection = await eventually(async () => {
          const status = (await running.insight('web'))?.subscriptions.at(-1)?.status;
          return status?.rejections?.find(({ service }) => service === 'lds') ?? false;
        }, 2000);
        assert.deepEqual(rejection.resources, ['clash']);
        assert.match(rejection.message, /clash/);
        assert.equal(await ask(), 'one');
        running.configure('default/web', good);
        assert.equal(await ask(), 'one');
      } finally {
        await envoy.stop();
        one.stop();
        two.stop();
        await running.stop();
      }
    });
  });
}
