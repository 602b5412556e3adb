// The application probe proxy: what it says of an application, what it asks it, and what it does not do for whoever can reach it.
import assert from 'node:assert/strict';
import { createServer as createHttp, type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import { createServer as createHttp2 } from 'node:http2';
import { type AddressInfo, createServer as createTcp, type Server } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { freePort } from '../../../examples/demo/free-ports.ts';
import { createLog } from '../src/log.ts';
import { openProbeProxy, type ProbeProxy } from '../src/probes/probe-proxy.ts';

const log = createLog({ level: 'off', format: 'text', write: () => undefined });

async function portOf(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

describe('the probe proxy', () => {
  let proxy: ProbeProxy | undefined;
  let seen: { readonly url: string; readonly headers: IncomingHttpHeaders } | undefined;
  const application = createHttp((incoming, response) => {
    seen = { url: incoming.url ?? '', headers: incoming.headers };
    const path = (incoming.url ?? '').split('?')[0];
    if (path === '/hangs') return;
    if (path === '/moved') response.writeHead(302, { location: 'http://198.51.100.1/' });
    else response.statusCode = path === '/sick' ? 500 : 200;
    response.end(path === '/long' ? 'x'.repeat(1_000_000) : 'fine');
  });
  const health = createHttp2();
  health.on('stream', (stream) => {
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => {
      const service = Buffer.concat(chunks).subarray(7).toString();
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': service === 'unknown' ? '5' : '0' }));
      stream.end(Buffer.from([0, 0, 0, 0, 2, 8, service === 'sick' ? 2 : 1]));
    });
  });
  const silent = createTcp(() => undefined);
  let ports: { readonly http: number; readonly grpc: number; readonly silent: number; readonly closed: number };

  before(async () => {
    ports = {
      http: await portOf(application),
      grpc: await portOf(health),
      silent: await portOf(silent),
      closed: await freePort(),
    };
    proxy = await openProbeProxy({ port: await freePort(), address: '127.0.0.1', redirected: false, log });
  });
  after(async () => {
    await proxy?.close();
    application.close();
    application.closeAllConnections();
    health.close();
    silent.close();
  });

  const ask = (path: string, headers: Record<string, string> = {}): Promise<readonly [status: number, body: string]> =>
    new Promise((resolve, reject) => {
      const options = { host: '127.0.0.1', port: proxy?.port, path, headers, agent: false };
      const call = request(options, (response: IncomingMessage) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
        });
        response.on('end', () => resolve([response.statusCode ?? 0, text.trim()]));
      });
      call.on('error', reject);
      call.end();
    });

  test('asks over HTTP, and says what the application says', async () => {
    assert.deepEqual(await ask(`/${ports.http}/healthz?deep=1`), [200, 'HEALTHY']);
    assert.equal(seen?.url, '/healthz?deep=1');
    assert.match(String(seen?.headers['user-agent']), /^kuma-probe\//);
    assert.deepEqual(await ask(`/${ports.http}`), [200, 'HEALTHY']);
    assert.equal(seen?.url, '/');
    assert.deepEqual(await ask(`/${ports.http}/sick`), [500, 'UNHEALTHY']);
    assert.deepEqual(await ask(`/${ports.http}/long`), [200, 'HEALTHY']);
    assert.deepEqual(await ask(`/${ports.closed}/healthz`), [503, 'UNHEALTHY']);
  });

  test('does not follow the application to other hosts', async () => {
    assert.deepEqual(await ask(`/${ports.http}/moved`), [200, 'HEALTHY']);
  });

  test('hands on the headers of the one who probes, and the host that it wants', async () => {
    await ask(`/${ports.http}/`, { 'x-key': 'a', 'user-agent': 'kube-probe/1', connection: 'keep-alive' });
    assert.equal(seen?.headers['x-key'], 'a');
    assert.equal(seen?.headers['user-agent'], 'kube-probe/1');
    assert.equal(seen?.headers.host, `127.0.0.1:${ports.http}`);
    assert.equal(seen?.headers.connection, 'close');
    await ask(`/${ports.http}/`, { 'x-kuma-probes-host': 'shop.example', 'x-kuma-probes-timeout': '3' });
    assert.equal(seen?.headers.host, 'shop.example');
    assert.deepEqual(
      Object.keys(seen?.headers ?? {}).filter((name) => name.startsWith('x-kuma')),
      [],
    );
  });

  test('connects over TCP', async () => {
    assert.deepEqual(await ask(`/tcp/${ports.silent}`), [200, 'HEALTHY']);
    assert.deepEqual(await ask(`/tcp/${ports.closed}`), [503, 'UNHEALTHY']);
  });

  test("asks gRPC's health service", async () => {
    const of = (service: string) => ask(`/grpc/${ports.grpc}`, { 'x-kuma-probes-grpc-service': service });
    assert.deepEqual(await ask(`/grpc/${ports.grpc}`), [200, 'HEALTHY']);
    assert.deepEqual(await of('shop'), [200, 'HEALTHY']);
    assert.deepEqual(await of('sick'), [503, 'UNHEALTHY']);
    assert.deepEqual(await of('unknown'), [503, 'UNHEALTHY']);
    assert.deepEqual(await ask(`/grpc/${ports.closed}`), [503, 'UNHEALTHY']);
  });

  test('gives up after the time that the prober gives', async () => {
    assert.deepEqual(await ask(`/${ports.http}/hangs`), [503, 'UNHEALTHY']);
    assert.deepEqual(await ask(`/grpc/${ports.silent}`), [503, 'UNHEALTHY']);
  });

  test('asks nothing that is no port of the application', async () => {
    const own = proxy?.port ?? 0;
    for (const path of ['/', '/healthz', '/0/', '/65536/', '/tcp/', '/tcp/x', '/udp/80', `/${own}/${own}/`])
      assert.deepEqual(await ask(path), [503, 'UNKNOWN'], path);
  });

  test('asks so much at once, and no more', async () => {
    const answers = await Promise.all(Array.from({ length: 80 }, () => ask(`/${ports.http}/hangs`)));
    const words = answers.map(([, word]) => word);
    assert.equal(words.filter((word) => word === 'UNHEALTHY').length, 64);
    assert.equal(words.filter((word) => word === 'UNKNOWN').length, 16);
    assert.deepEqual(await ask(`/${ports.http}/`), [200, 'HEALTHY']);
  });

  test('says which setting names a port that is taken', async () => {
    const taken = { port: ports.http, address: '127.0.0.1', redirected: false, log };
    await assert.rejects(openProbeProxy(taken), /KUMA_APPLICATION_PROBE_PROXY_PORT: port \d+ is in use/);
    assert.equal(await openProbeProxy({ ...taken, port: 0 }), undefined);
  });
});
