// Access logs over real pipes and sockets: whole lines, in order, also when the address goes away and comes back.
import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { openLineStream } from '../src/access-log/line-stream.ts';
import { openAccessLogs } from '../src/access-log/open-access-logs.ts';
import { createLog } from '../src/log.ts';

function quietLog() {
  const lines: string[] = [];
  return { lines, log: createLog({ level: 'debug', format: 'text', write: (line) => lines.push(line) }) };
}

/** An address that takes lines; it can be closed and opened again. */
async function openSink(context: TestContext) {
  const received: string[] = [];
  const sockets = new Set<Socket>();
  let server: Server | undefined;
  let port = 0;
  const open = async () => {
    const opened = createServer((socket) => {
      sockets.add(socket);
      let rest = '';
      socket.setEncoding('utf8');
      socket.on('data', (chunk: string) => {
        const lines = (rest + chunk).split('\n');
        rest = lines.pop() ?? '';
        received.push(...lines);
      });
      socket.on('error', () => undefined);
    });
    await new Promise<void>((resolve) => opened.listen(port, '127.0.0.1', resolve));
    const address = opened.address();
    port = typeof address === 'object' && address !== null ? address.port : port;
    server = opened;
  };
  const close = async () => {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
    await new Promise<void>((resolve) => (server === undefined ? resolve() : server.close(() => resolve())));
    server = undefined;
  };
  await open();
  context.after(close);
  return { received, open, close, address: `127.0.0.1:${port}` };
}

async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; tries < 4000 && !holds(); tries += 1) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.ok(holds(), 'it does not happen');
}

test('lines of the pipe go to their addresses as they are, those of standard output to ours', async (context) => {
  const workDir = mkdtempSync(join(tmpdir(), 'ursa-logs-'));
  const sink = await openSink(context);
  const written: string[] = [];
  const { log, lines } = quietLog();
  const logs = openAccessLogs({ mesh: 'default', name: 'web-1', workDir, log, write: (text) => written.push(text) });
  context.after(async () => {
    await logs.close();
    rmSync(workDir, { recursive: true, force: true });
  });
  const pipe = openSync(join(workDir, 'kuma-al-web-1-default.sock'), 'a');
  const { address } = sink;
  const entries = [
    { address, message: 'GET /é\n' },
    { address, message: { status: 200 } },
  ];
  const text = Buffer.from(`${entries.map((entry) => JSON.stringify(entry)).join('\n')}\nno entry\n`);
  // In pieces, also within a letter.
  for (const byte of text) writeSync(pipe, Buffer.from([byte]));
  await until(() => sink.received.length === 2);
  assert.deepEqual(sink.received, ['GET /é', '{"status":200}']);
  await until(() => lines.some((line) => line.includes('cannot be read')));
  assert.ok(logs.standardOutput !== undefined);
  // As Envoy opens /dev/stdout.
  appendFileSync(`/proc/${process.pid}/fd/${logs.standardOutput}`, 'one line\nanother\n');
  await until(() => written.length === 2);
  assert.deepEqual(written, ['one line\n', 'another\n']);
});

test('an address that goes away and comes back gets every line, whole and in order', async (context) => {
  const sink = await openSink(context);
  const { log, lines } = quietLog();
  const stream = openLineStream(sink.address, log, { waiting: 1 << 20, retry: { first: 5, longest: 20 } });
  context.after(() => stream.close(0));
  stream.send('before\n');
  await until(() => sink.received.includes('before'));
  await sink.close();
  // What the kernel had taken by then is gone; TCP does not say how much of it arrived.
  await until(() => lines.some((line) => line.includes('cannot be sent')));
  for (let count = 0; count < 500; count += 1) stream.send(`while away ${count}\n`);
  await sink.open();
  await until(() => sink.received.includes('while away 499'));
  assert.deepEqual(
    sink.received.slice(1),
    Array.from({ length: 500 }, (_, count) => `while away ${count}`),
  );
});

test('while nobody takes them the newest lines are kept, and how many were lost is said', async (context) => {
  const sink = await openSink(context);
  await sink.close();
  const { log, lines } = quietLog();
  const stream = openLineStream(sink.address, log, { waiting: 1000, retry: { first: 5, longest: 20 } });
  context.after(() => stream.close(0));
  for (let count = 0; count < 200; count += 1) stream.send(`${String(count).padStart(9, '0')}\n`);
  await sink.open();
  await until(() => sink.received.length >= 100);
  assert.equal(sink.received.at(-1), '000000199');
  assert.equal(sink.received.length, 100);
  assert.match(lines.join(''), /100 lines of the access log .* were lost/);
});

test('what waits is sent before the end', async (context) => {
  const sink = await openSink(context);
  const { log } = quietLog();
  const stream = openLineStream(sink.address, log);
  stream.send('the last one\n');
  await stream.close(10_000);
  await until(() => sink.received.length === 1);
});
