// Access logs that arrive: as lines of a file, of kuma-dp's standard output, at a TCP address and at a real collector; one line for a request.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { absentTool, startOpenTelemetryCollector } from '../harness/collectors.ts';
import { answers, openWorld } from '../harness/world.ts';

const world = await openWorld();
after(() => world.close());
const { controlPlane } = world;
await world.start({ service: 'backend' });
const client = await world.start({ service: 'client', calls: ['backend'] });
await answers(client.urlOf('backend'), 200);

const format = (text: string) => ({
  type: 'Plain',
  plain: `${text} %REQ(:PATH)% %KUMA_SOURCE_SERVICE% %KUMA_DESTINATION_SERVICE%`,
});

async function logTo(backend: object): Promise<void> {
  const to = [{ targetRef: { kind: 'Mesh' }, default: { backends: [backend] } }];
  const targetRef = { kind: 'MeshService', name: 'client' };
  await controlPlane.apply({ type: 'MeshAccessLog', mesh: 'default', name: 'of-the-client', spec: { targetRef, to } });
}

/** Sends requests until the log has one of them; then so many more, and gives what the log says of these. */
async function linesOf(path: string, count: number, read: () => string): Promise<readonly string[]> {
  const call = (suffix: string) => answers(`${client.urlOf('backend')}${path}${suffix}`, 200);
  await waitFor(
    `${path} is logged`,
    async () => {
      await call('-first');
      return read().includes(`${path}-first`);
    },
    { within: 30_000, every: 100 },
  );
  for (let number = 0; number < count; number += 1) await call(`-${number}`);
  const found = () =>
    read()
      .split('\n')
      .filter((line) => line.includes(`${path}-`) && !line.includes('-first'));
  await waitFor('the lines arrive', () => found().length >= count, { within: 30_000 });
  // As many again would have come by now.
  await call('-first');
  return found();
}

function assertOnceEach(lines: readonly string[], path: string, count: number): void {
  const expected = Array.from({ length: count }, (_, number) => `${path}-${number} client backend`);
  assert.deepEqual(
    lines.map((line) => line.slice(line.indexOf(path))),
    expected,
  );
}

test('a file gets one line for each request', async () => {
  const path = join(world.folder, 'access.log');
  await logTo({ type: 'File', file: { path, format: format('file') } });
  const read = () => {
    try {
      return readFileSync(path, 'utf8');
    } catch {
      return '';
    }
  };
  assertOnceEach(await linesOf('/file', 20, read), '/file', 20);
});

test('/dev/stdout is the standard output of kuma-dp', async () => {
  await logTo({ type: 'File', file: { path: '/dev/stdout', format: format('stdout') } });
  assertOnceEach(await linesOf('/stdout', 20, () => client.proxy.process.output()), '/stdout', 20);
});

test('a TCP address gets one line for each request, also after it was away', async () => {
  let text = '';
  const server = createServer((socket) => {
    socket.setEncoding('utf8');
    socket.on('error', () => undefined);
    socket.on('data', (chunk: string) => {
      text += chunk;
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  after(() => server.close());
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  await logTo({ type: 'Tcp', tcp: { address: `127.0.0.1:${port}`, format: format('tcp') } });
  assertOnceEach(await linesOf('/tcp', 200, () => text), '/tcp', 200);
});

test('a collector gets them, by its address', { skip: absentTool('otelcol') }, async () => {
  // because a user's machine may have no Go to build it
  const collector = await startOpenTelemetryCollector(world.folder);
  try {
    const endpoint = `127.0.0.1:${collector.grpcPort}`;
    const body = 'otlp %REQ(:PATH)% %KUMA_SOURCE_SERVICE%';
    await logTo({ type: 'OpenTelemetry', openTelemetry: { endpoint, body } });
    await linesOfCollector(collector, '/by-address');
  } finally {
    await collector.stop();
  }
});

test('a collector that is a resource gets them, by gRPC and by HTTP', { skip: absentTool('otelcol') }, async () => {
  // because a user's machine may have no Go to build it
  const collector = await startOpenTelemetryCollector(world.folder);
  try {
    for (const protocol of ['grpc', 'http'] as const) {
      const port = protocol === 'grpc' ? collector.grpcPort : collector.httpPort;
      const spec = { protocol, endpoint: { address: '127.0.0.1', port } };
      await controlPlane.apply({ type: 'MeshOpenTelemetryBackend', mesh: 'default', name: `by-${protocol}`, spec });
      const backendRef = { kind: 'MeshOpenTelemetryBackend', name: `by-${protocol}` };
      const body = 'otlp %REQ(:PATH)% %KUMA_SOURCE_SERVICE%';
      await logTo({ type: 'OpenTelemetry', openTelemetry: { backendRef, body } });
      await linesOfCollector(collector, `/by-${protocol}`);
    }
  } finally {
    await collector.stop();
  }
});

async function linesOfCollector(
  collector: Awaited<ReturnType<typeof startOpenTelemetryCollector>>,
  path: string,
): Promise<void> {
  await waitFor(
    `${path} arrives`,
    async () => {
      await answers(`${client.urlOf('backend')}${path}`, 200);
      return collector.count(`Body: Str(otlp ${path} client)`) > 0;
    },
    { within: 30_000, every: 200 },
  );
}
