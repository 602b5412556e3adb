// Floods against both ports of a whole control plane, from this process: it lives, what it holds is bounded, and who comes with a request is served.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { typeUrls } from '@ursa/envoy';
import { type ControlPlane, openControlPlane } from '../../../src/compose.ts';
import { defaultSettings } from '../../../src/config/load-settings.ts';
import { openLog } from '../../../src/log.ts';
import { runComponents } from '../../../src/run-components.ts';
import { connectTo } from '../../xds/ads-client.ts';

const log = openLog('off', { write: () => {} });
const most = 200;
const settings = defaultSettings({
  'store.type': 'memory',
  'apiServer.http.port': 0,
  'apiServer.http.interface': '127.0.0.1',
  'apiServer.https.enabled': false,
  'apiServer.maxConnections': most,
  'dpServer.port': 0,
  'dpServer.maxUnprovenConnections': most,
  'diagnostics.serverPort': 0,
});

/** A frame of HTTP/2. */
function frame(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}
const preface = Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), frame(4, 0, 0, new Uint8Array())]);
const types = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, windowUpdate: 8, continuation: 9 };
/** `:method POST`, `:scheme https`, `:path /bootstrap` without indexing, as a beginning of a header block. */
const request = Buffer.concat([Buffer.from([0x83, 0x87, 0x04, 10]), Buffer.from('/bootstrap')]);
/** A header that adds 4 KB to the table, and one byte that names it again: a few bytes that stand for megabytes. */
const largeEntry = Buffer.concat([
  Buffer.from([0x40, 1]),
  Buffer.from('x'),
  Buffer.from([0x7f, 0x81, 0x1e]),
  Buffer.alloc(4_000, 0x61),
]);

/** Waits until the socket takes more, is closed, or has stood still for a while. */
async function drained(socket: Socket): Promise<void> {
  for (let waited = 0; socket.writableNeedDrain && !socket.destroyed && waited < 100; waited += 1) await sleep(2);
}

describe('a flood', () => {
  let controlPlane: ControlPlane;
  let stop: () => Promise<void>;
  const open = new Set<Socket>();
  const keep = <Any extends Socket>(socket: Any): Any => {
    open.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => open.delete(socket));
    socket.resume();
    return socket;
  };
  const toApi = (): Socket => keep(connect(controlPlane.api.ports.http ?? 0, '127.0.0.1'));
  const toDpServer = (): Socket => keep(connect(controlPlane.dpServer.port, '127.0.0.1'));
  const toHttp2 = async (): Promise<TLSSocket> => {
    const socket = keep(
      connectTls({
        port: controlPlane.dpServer.port,
        host: '127.0.0.1',
        rejectUnauthorized: false,
        ALPNProtocols: ['h2'],
      }),
    );
    await Promise.race([once(socket, 'secureConnect'), once(socket, 'close')]);
    return socket;
  };

  before(async () => {
    controlPlane = await openControlPlane(settings, log);
    const running = await runComponents(controlPlane.components, log.component('test'));
    stop = () => running.stop(1_000);
    while (!(await (await fetch(`http://127.0.0.1:${controlPlane.diagnostics.port}/ready`)).ok)) await sleep(20);
  });
  after(async () => {
    for (const socket of open) socket.destroy();
    await stop();
  });

  /** A user asks the API, a proxy asks for its bootstrap, and both get their answer while the flood goes on. */
  const othersAreServed = async (): Promise<void> => {
    const status = await retried(async () => {
      const answer = await fetch(`http://127.0.0.1:${controlPlane.api.ports.http}/meshes`, {
        signal: AbortSignal.timeout(5_000),
        headers: { connection: 'close' },
      });
      // Clients, servers and attackers are one process here: a busy moment may last longer than the time for headers.
      if (answer.status === 408) throw new Error('too slow');
      return answer.status;
    });
    assert.equal(status, 200);
    const bootstrap = await retried(async () => {
      const session = connectHttp2(`https://127.0.0.1:${controlPlane.dpServer.port}`, { rejectUnauthorized: false });
      session.on('error', () => undefined);
      try {
        const stream = session.request({
          ':method': 'POST',
          ':path': '/bootstrap',
          'content-type': 'application/json',
        });
        stream.end('{}');
        const [headers] = await once(stream, 'response', { signal: AbortSignal.timeout(5_000) });
        return headers[':status'];
      } finally {
        session.destroy();
      }
    });
    assert.equal(bootstrap, 422, 'an empty bootstrap request is answered, with what it lacks');
  };
  /** As clients do: a connection that was dropped is tried again. */
  const retried = async <Result>(run: () => Promise<Result>): Promise<Result> => {
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await run();
      } catch (error) {
        if (attempt === 9) throw error;
        await sleep(300);
      }
    }
  };

  for (const [port, come] of [
    ['the API', toApi],
    ['proxies', toDpServer],
  ] as const) {
    test(`of 10,000 connections that send nothing, to the port of ${port}`, async () => {
      for (let wave = 0; wave < 100; wave += 1) {
        const sockets = Array.from({ length: 100 }, come);
        await Promise.all(sockets.map((socket) => Promise.race([once(socket, 'connect'), once(socket, 'close')])));
        if (wave % 25 === 24) await othersAreServed();
      }
      await sleep(300);
      console.log(`${open.size} of 10,000 idle connections to ${port} are held`);
      assert.ok(open.size <= most + 20, `${open.size} are held`);
      for (const socket of open) socket.destroy();
    });

    test(`of requests that come a byte at a time, to the port of ${port}`, async () => {
      const sockets = Array.from({ length: 2 * most }, come);
      const text = 'GET /meshes HTTP/1.1\r\nhost: 127.0.0.1\r\nx: ';
      for (const character of text.slice(0, 12)) {
        for (const socket of sockets) if (!socket.destroyed) socket.write(character);
        await sleep(120);
      }
      await othersAreServed();
      for (const socket of sockets) socket.destroy();
    });
  }

  test('of all proxies that are known, after an outage, finds room', async () => {
    const known = most + 100;
    for (let number = 0; number < known; number += 1) {
      const answer = await fetch(
        `http://127.0.0.1:${controlPlane.api.ports.http}/meshes/default/dataplanes/known-${number}`,
        {
          method: 'PUT',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({
            type: 'Dataplane',
            mesh: 'default',
            name: `known-${number}`,
            networking: { address: '192.0.2.1', inbound: [{ port: 80, tags: { 'kuma.io/service': 'known' } }] },
          }),
        },
      );
      assert.equal(answer.status, 201);
    }
    const sockets = Array.from({ length: known }, toDpServer);
    await Promise.all(sockets.map((socket) => Promise.race([once(socket, 'connect'), once(socket, 'close')])));
    await sleep(300);
    assert.equal(sockets.filter((socket) => !socket.destroyed).length, known);
    for (const socket of sockets) socket.destroy();
  });

  test('of bodies that never end, to the port of the API', async () => {
    const sockets = Array.from({ length: 2 * most }, toApi);
    const head =
      'PUT /meshes/a HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{';
    for (const socket of sockets) socket.write(head);
    await sleep(1_100);
    await othersAreServed();
    for (const socket of sockets) socket.destroy();
  });

  test('of 100 MiB in one body is cut off early', async () => {
    const socket = toApi();
    await once(socket, 'connect');
    let sent = 0;
    socket.write(
      'PUT /meshes/a HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n',
    );
    const chunk = Buffer.concat([Buffer.from('10000\r\n'), Buffer.alloc(65_536, 0x20), Buffer.from('\r\n')]);
    while (!socket.destroyed && sent < 100 * 1024 * 1024) {
      sent += chunk.length;
      socket.write(chunk);
      await drained(socket);
    }
    console.log(`${(sent / 1024 / 1024).toFixed(1)} of 100 MiB could be sent`);
    assert.ok(sent < 30 * 1024 * 1024, `${sent} bytes were taken`);
    socket.destroy();
    await othersAreServed();
  });

  const attacks: readonly (readonly [what: string, frames: (stream: number) => Buffer])[] = [
    [
      'streams that are reset at once',
      (stream) =>
        Buffer.concat([
          frame(types.headers, 0x4, stream, request),
          frame(types.reset, 0, stream, Buffer.from([0, 0, 0, 8])),
        ]),
    ],
    [
      'headers that go on and on',
      (stream) =>
        Buffer.concat([
          stream === 1 ? frame(types.headers, 0, 1, request) : Buffer.alloc(0),
          frame(
            types.continuation,
            0,
            1,
            Buffer.concat([Buffer.from([0x00, 1]), Buffer.from('x'), Buffer.from([1]), Buffer.from('y')]),
          ),
        ]),
    ],
    [
      'empty pieces of headers',
      (stream) =>
        Buffer.concat([
          stream === 1 ? frame(types.headers, 0, 1, request) : Buffer.alloc(0),
          frame(types.continuation, 0, 1, Buffer.alloc(0)),
        ]),
    ],
    [
      'headers that unpack to megabytes',
      (stream) => frame(types.headers, 0x5, stream, Buffer.concat([request, largeEntry, Buffer.alloc(10_000, 0xbe)])),
    ],
    ['pings', () => Buffer.concat(Array.from({ length: 20 }, () => frame(types.ping, 0, 0, Buffer.alloc(8))))],
    ['settings', () => Buffer.concat(Array.from({ length: 20 }, () => frame(types.settings, 0, 0, Buffer.alloc(0))))],
    ['windows that open by a byte', () => frame(types.windowUpdate, 0, 0, Buffer.from([0, 0, 0, 1]))],
    [
      'empty data',
      (stream) =>
        Buffer.concat([
          stream === 1 ? frame(types.headers, 0x4, 1, request) : Buffer.alloc(0),
          ...Array.from({ length: 20 }, () => frame(types.data, 0, 1, Buffer.alloc(0))),
        ]),
    ],
    ['frames of unknown types', () => frame(0xee, 0xff, 0, Buffer.alloc(16_384))],
    ['frames that are too long', () => frame(types.data, 0, 1, Buffer.alloc(20_000))],
    ['nonsense', (stream) => Buffer.from(Array.from({ length: 1_000 }, (_, index) => (index * 31 + stream) % 256))],
  ];
  for (const [what, frames] of attacks) {
    test(`of ${what} over HTTP/2`, async () => {
      for (let connection = 0; connection < 3; connection += 1) {
        const socket = await toHttp2();
        socket.write(preface);
        for (let stream = 1; stream < 2_001 && !socket.destroyed; stream += 2) {
          socket.write(frames(stream));
          await drained(socket);
        }
      }
      await othersAreServed();
      for (const socket of open) socket.destroy();
    });
  }

  test('of what only HTTP/2 knows, to the port of the API, is answered as a bad request', async () => {
    const socket = connect(controlPlane.api.ports.http ?? 0, '127.0.0.1');
    socket.on('error', () => undefined);
    let received = '';
    socket.on('data', (chunk) => {
      received += chunk;
    });
    socket.write(preface);
    await once(socket, 'close');
    assert.match(received, /^HTTP\/1\.1 400 /);
    await othersAreServed();
  });

  test('of ADS streams without a word', async () => {
    const connections = await Promise.all(Array.from({ length: 20 }, () => connectTo(controlPlane.dpServer.port)));
    const streams = connections.flatMap((connection) => Array.from({ length: 32 }, () => connection.delta()));
    await othersAreServed();
    for (const stream of streams) stream.send({ typeUrl: typeUrls.cluster });
    for (const stream of streams) assert.equal((await stream.ended()).code, 3);
    for (const connection of connections) connection.close();
  });

  test('leaves little behind', async () => {
    for (const socket of open) socket.destroy();
    await sleep(500);
    const rss = process.memoryUsage().rss / 1024 / 1024;
    console.log(`${rss.toFixed(0)} MiB after all floods, this process with clients and all`);
    assert.ok(rss < 700, `${rss} MiB`);
  });
});
