// Connections that are accepted for an HTTP server: slow clients are sent away by whoever accepted them, whatever the runtime's HTTP server times itself.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect, createServer as createFront, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { timeSlowClients } from '../../src/http-ports/slow-clients.ts';

const head = 'HTTP/1.1\r\nHost: 127.0.0.1\r\n';

/** More than the kernel holds for a connection. */
const large = Buffer.alloc(32 << 20);

/** A port whose HTTP server times nothing; `/held` is answered when the test says so. */
async function openPort(context: TestContext, limits: Parameters<typeof timeSlowClients>[2]) {
  const held: (() => void)[] = [];
  const server = createServer(
    { connectionsCheckingInterval: 2 ** 31 - 1, keepAliveTimeout: 0 },
    (request, response) => {
      request.on('error', () => response.destroy());
      if (request.url === '/early') response.write('early');
      else if (request.url === '/large') response.end(large);
      else if (request.url === '/held') held.push(() => response.end('held'));
      else request.resume().once('end', () => response.end('now'));
    },
  );
  const front = createFront((socket) => void server.emit('connection', socket));
  timeSlowClients(server, front, limits);
  front.listen(0, '127.0.0.1');
  await once(front, 'listening');
  const sockets: Socket[] = [];
  context.after(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => front.close(resolve));
  });
  const open = (text: string) => {
    const socket = connect((front.address() as AddressInfo).port, '127.0.0.1');
    sockets.push(socket);
    let received = '';
    socket.setEncoding('utf8').on('data', (part) => {
      received += part;
    });
    socket.on('error', () => undefined);
    socket.write(text);
    return { socket, closed: once(socket, 'close').then(() => received) };
  };
  const ended = () =>
    new Promise<void>((resolve) => server.once('request', (_, response) => response.once('close', resolve)));
  return { open, held, ended };
}

test('headers that do not end, at first or later, and bodies that do not', async (context) => {
  const { open } = await openPort(context, { headers: 40, body: 40, answer: 40, idle: 40 });
  assert.match(await open(`GET / ${head}`).closed, /^HTTP\/1\.1 408 /);
  assert.match(await open(`PUT / ${head}Content-Length: 9\r\n\r\n{`).closed, /^HTTP\/1\.1 408 /);
  assert.match(await open(`PUT /early ${head}Content-Length: 9\r\n\r\n{`).closed, /^HTTP\/1\.1 200 (?![\s\S]*408)/);
  assert.match(await open(`GET / ${head}\r\nGET / ${head}`).closed, /^HTTP\/1\.1 200 [\s\S]*now/);
});

test('who has sent all may wait for the answer, and begin again after it', async (context) => {
  const { open, held } = await openPort(context, { headers: 40, body: 40, answer: 40, idle: 2 ** 30 });
  const patient = open(`GET /held ${head}\r\n`);
  const sent = open(`PUT /held ${head}Content-Length: 1\r\n\r\n1`);
  // The slow one is sent away long after the limit of the others.
  await open(`GET / ${head}`).closed;
  await open(`GET / ${head}`).closed;
  assert.equal(held.length, 2);
  const answered = [patient, sent].map(({ socket }) => once(socket, 'data'));
  for (const answer of held.splice(0)) answer();
  await Promise.all(answered);
  patient.socket.write(`GET / ${head}Connection: close\r\n\r\n`);
  assert.match(await patient.closed, /held[\s\S]*now/);
});

test('who does not take its answer is sent away, who takes it is not', async (context) => {
  const { open, ended } = await openPort(context, { headers: 0, body: 0, answer: 1000, idle: 0 });
  const answered = ended();
  const { socket } = open('');
  socket.pause();
  socket.write(`GET /large ${head}\r\n`);
  await answered;
  const taken = await open(`GET /large ${head}Connection: close\r\n\r\n`).closed;
  assert.ok(taken.length > large.length);
});

test('a limit of 0 is none', async (context) => {
  const { open } = await openPort(context, { headers: 0, body: 0, answer: 0, idle: 0 });
  const slow = open(`GET / ${head}`);
  await open(`GET / ${head}Connection: close\r\n\r\n`).closed;
  slow.socket.write('Connection: close\r\n\r\n');
  assert.match(await slow.closed, /now/);
});
