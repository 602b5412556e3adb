// Several processes behind one port: metrics as one text, and settings that do not allow it.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { MeshError } from '@ursa/resources';
import { openHttpServer } from '../../src/api/http/server.ts';
import { defaultSettings } from '../../src/config/load-settings.ts';
import { bodyOf } from '../../src/instances/read-body.ts';
import { refuseUnsupported } from '../../src/refuse-unsupported.ts';
import { mergeMetrics } from '../../src/workers/merge-metrics.ts';
import { openWorkerDiagnostics } from '../../src/workers/worker-diagnostics.ts';

test('metrics of workers stand together by family, each sample with its worker', () => {
  const one =
    '# HELP leader Leads.\n# TYPE leader gauge\nleader 1\n# TYPE lag histogram\nlag_bucket{le="1"} 2\nlag_count 3\n';
  const two = '# HELP leader Leads.\n# TYPE leader gauge\nleader{} 0\n# TYPE lag histogram\nlag_bucket{le="1"} 4\n';
  assert.equal(
    mergeMetrics([
      { worker: 1, text: one },
      { worker: 2, text: two },
    ]),
    `# HELP leader Leads.
# TYPE leader gauge
leader{worker="1"} 1
leader{worker="2"} 0
# TYPE lag histogram
lag_bucket{worker="1",le="1"} 2
lag_count{worker="1"} 3
lag_bucket{worker="2",le="1"} 4
`,
  );
});

test('workers are refused with a store that one process owns, and with ports that nobody knows', () => {
  const refused = (settings: Readonly<Record<string, unknown>>, ...words: readonly string[]): void =>
    assert.throws(
      () => refuseUnsupported(defaultSettings({ 'general.workers': 2, ...settings })),
      (error: unknown) => error instanceof MeshError && words.every((word) => error.message.includes(word)),
    );
  refused({}, 'KUMA_GENERAL_WORKERS', 'embedded', 'KUMA_STORE_TYPE=postgres');
  refused({ 'store.type': 'postgres', 'dpServer.port': 0 }, 'dpServer.port');
  refused({ 'store.type': 'postgres', 'diagnostics.tlsEnabled': true }, 'KUMA_DIAGNOSTICS_TLS_ENABLED');
  refuseUnsupported(defaultSettings({ 'general.workers': 2, 'store.type': 'postgres' }));
});

test('two servers share a port, and one goes on when the other stops', async () => {
  const free = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => free.once('listening', resolve));
  const { port } = free.address() as AddressInfo;
  await new Promise((resolve) => free.close(resolve));
  const settings = defaultSettings({ 'apiServer.http.port': port, 'apiServer.http.interface': '127.0.0.1' }).apiServer;
  const open = (name: string) => openHttpServer(settings, (_, response) => response.end(name), true);
  const [one, two] = [await open('one'), await open('two')];
  const ask = async () => await (await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } })).text();
  const seen = new Set<string>();
  for (let tries = 0; tries < 200 && seen.size < 2; tries += 1) seen.add(await ask());
  assert.deepEqual([...seen].sort(), ['one', 'two']);
  await one.close(1000);
  for (let tries = 0; tries < 10; tries += 1) assert.equal(await ask(), 'two');
  await two.close(1000);
});

test('diagnostics are those of all workers, or of the one that is asked for, whatever proxy the environment names', async (context) => {
  const before = process.env.HTTP_PROXY;
  process.env.HTTP_PROXY = 'http://192.0.2.1:3128';
  context.after(() => {
    if (before === undefined) delete process.env.HTTP_PROXY;
    else process.env.HTTP_PROXY = before;
  });
  const worker = createServer((request, response) => {
    if (request.url === '/metrics') response.end('# TYPE leader gauge\nleader 1\n');
    else response.end(JSON.stringify({ path: request.url }));
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => worker.once('listening', resolve));
  const diagnosticsPort = (worker.address() as AddressInfo).port;
  const server = await openWorkerDiagnostics(0, () => [
    { number: 1, diagnosticsPort },
    { number: 2, diagnosticsPort: undefined },
  ]);
  const ask = async (path: string) => {
    const { port } = server.address() as AddressInfo;
    const [response] = (await once(request({ port, path }).end(), 'response')) as [IncomingMessage];
    return { status: response.statusCode, body: await bodyOf(response, 1024) };
  };
  assert.equal((await ask('/healthy')).status, 200);
  const ready = await ask('/ready');
  assert.equal(ready.status, 503);
  assert.match(ready.body, /worker 2 does not serve yet/);
  assert.equal((await ask('/metrics')).body, '# TYPE leader gauge\nleader{worker="1"} 1\n');
  assert.deepEqual(JSON.parse((await ask('/debug/pprof?worker=1')).body), { path: '/debug/pprof' });
  assert.equal((await ask('/debug/pprof')).status, 400);
  assert.equal((await ask('/ready?worker=3')).status, 404);
  server.close();
  server.closeAllConnections();
  worker.close();
  worker.closeAllConnections();
});
