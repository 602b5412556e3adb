// Where collectors are by OpenTelemetry's variables, and spans that go there: soon, bounded, and without holding anybody up.
import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import {
  type Collector,
  collectorOf,
  exportInterval,
  openSpanExporter,
  resourceAttributes,
  type Span,
} from '../src/index.ts';

test('one endpoint is for all signals; each may have its own', () => {
  const env = {
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4317',
    OTEL_EXPORTER_OTLP_HEADERS: 'X-Key=a%20b, other=c',
  };
  assert.deepEqual(collectorOf(env, 'traces'), {
    at: { origin: 'http://collector:4317' },
    protocol: 'grpc',
    path: '',
    headers: { 'x-key': 'a b', other: 'c' },
    shown: 'collector:4317',
  });
  const own = {
    ...env,
    OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: 'https://user:secret@metrics/base/v1/metrics',
    OTEL_EXPORTER_OTLP_METRICS_PROTOCOL: 'http/protobuf',
    OTEL_EXPORTER_OTLP_TIMEOUT: '500',
  };
  const { at, protocol, path, timeout, shown } = collectorOf(own, 'metrics') ?? {};
  assert.deepEqual([at, protocol, path, timeout], [{ origin: 'https://metrics' }, 'http', '/base', 500]);
  assert.equal(shown, 'metrics');
});

test('without a scheme there is TLS, unless it is told otherwise or the endpoint is the default', () => {
  const originOf = (env: Record<string, string>, endpoint?: string) =>
    (collectorOf(env, 'traces', { endpoint })?.at as { origin?: string } | undefined)?.origin;
  assert.equal(originOf({ OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4317' }), 'https://collector:4317');
  const insecure = { OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4317', OTEL_EXPORTER_OTLP_INSECURE: 'true' };
  assert.equal(originOf(insecure), 'http://collector:4317');
  assert.equal(originOf({}, 'otel-collector:4317'), 'http://otel-collector:4317');
  assert.equal(originOf({}), undefined);
  assert.equal(originOf({ ...insecure, OTEL_SDK_DISABLED: 'true' }), undefined);
});

test('what cannot be is refused by the name of the variable, and never with its value', () => {
  for (const [name, value] of [
    ['OTEL_EXPORTER_OTLP_PROTOCOL', 'http/json-hunter2'],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'http://:hunter2'],
    ['OTEL_EXPORTER_OTLP_HEADERS', 'hunter2'],
    ['OTEL_EXPORTER_OTLP_TIMEOUT', 'hunter2'],
    ['OTEL_EXPORTER_OTLP_CERTIFICATE', '/nowhere/hunter'],
  ] as const) {
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector', [name]: value };
    assert.throws(
      () => collectorOf(env, 'traces'),
      (error: unknown) =>
        error instanceof Error && error.message.startsWith(name) && !error.message.includes('hunter2'),
      name,
    );
  }
  const whole = { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://a/other', OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf' };
  assert.throws(() => collectorOf(whole, 'traces'), /OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: .*\/v1\/traces/);
  assert.throws(() => exportInterval({ OTEL_METRIC_EXPORT_INTERVAL: '-1' }), /OTEL_METRIC_EXPORT_INTERVAL/);
  assert.equal(exportInterval({}), 60_000);
});

test('the program is named as the variables say', () => {
  const env = { OTEL_RESOURCE_ATTRIBUTES: 'team=core,service.name=a', OTEL_SERVICE_NAME: 'b' };
  assert.deepEqual(resourceAttributes(env, { 'service.name': 'kuma-cp', 'service.version': '1' }), [
    ['service.name', 'b'],
    ['service.version', '1'],
    ['team', 'core'],
  ]);
});

async function serve(context: TestContext, answer: RequestListener): Promise<Collector> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { at: { origin }, protocol: 'http', path: '' };
}

const span = (name: string): Span => ({
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  parentSpanId: '00f067aa0ba902b7',
  name,
  kind: 'server',
  start: 1_000,
  end: 1_001.5,
  attributes: [['proxies', 3]],
});

function openExporter(collector: Collector) {
  const counts = { exported: 0, dropped: 0 };
  const troubles: (string | undefined)[] = [];
  const exporter = openSpanExporter({
    collector,
    scope: { name: 'test', version: '1' },
    resource: [['service.name', 'kuma-cp']],
    onSpans(outcome, count) {
      counts[outcome] += count;
    },
    onTrouble: (message) => troubles.push(message),
    delay: 5,
  });
  return { exporter, counts, troubles };
}

async function until(check: () => boolean): Promise<void> {
  for (let attempt = 0; !check(); attempt += 1) {
    if (attempt > 500) assert.fail(`not within five seconds: ${check}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

test('spans go together, and again after the collector has refused them', async (context) => {
  const bodies: Buffer[] = [];
  let refusals = 2;
  const collector = await serve(context, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      assert.equal(request.url, '/v1/traces');
      refusals -= 1;
      if (refusals < 0) bodies.push(Buffer.concat(chunks));
      response.writeHead(refusals >= 0 ? 503 : 200).end();
    });
  });
  const { exporter, counts, troubles } = openExporter(collector);
  for (const name of ['one', 'two', 'three']) exporter.add(span(name));
  await until(() => counts.exported === 3);
  assert.equal(bodies.length, 1);
  const text = bodies[0]?.toString('latin1') ?? '';
  for (const part of ['one', 'two', 'three', 'kuma-cp', 'proxies']) assert.ok(text.includes(part), part);
  assert.ok(bodies[0]?.includes(Buffer.from('0af7651916cd43dd8448eb211c80319c', 'hex')));
  assert.deepEqual(troubles, ['it answers 503', undefined]);
  await exporter.stop();
  assert.deepEqual(counts, { exported: 3, dropped: 0 });
});

test('a collector that is gone costs a fixed number of spans, and holds nobody up', async () => {
  const { exporter, counts } = openExporter({ at: { origin: 'http://127.0.0.1:1' }, protocol: 'grpc', path: '' });
  for (let number = 0; number < 5000; number += 1) exporter.add(span('lost'));
  assert.equal(counts.dropped, 5000 - 2048);
  await exporter.stop();
  assert.deepEqual(counts, { exported: 0, dropped: 5000 });
  exporter.add(span('late'));
  assert.equal(counts.dropped, 5001);
});

test('a collector that does not answer does not hold up the end', async (context) => {
  const { exporter, counts } = openExporter(await serve(context, () => undefined));
  exporter.add(span('stuck'));
  await new Promise((resolve) => setTimeout(resolve, 50));
  const started = performance.now();
  await exporter.stop();
  assert.ok(performance.now() - started < 8000);
  assert.deepEqual(counts, { exported: 0, dropped: 1 });
});
