// Metrics of a proxy over real sockets: Envoy's and the applications' joined, told by a document that changes, and sent to collectors.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createHttp2Server, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { formatPrometheus, parsePrometheus } from '@ursa/telemetry';
import { httpGet } from '../src/http/get.ts';
import { createLog } from '../src/log.ts';
import { joinClusters } from '../src/metrics/join-clusters.ts';
import { linearExpression } from '../src/metrics/linear-expression.ts';
import { openMetrics } from '../src/metrics/open-metrics.ts';

const limits = { within: 10_000, size: 1 << 20 };

interface Served {
  listen(place: string | number, done: () => void): unknown;
  close(): unknown;
  address(): unknown;
}

async function serve(context: TestContext, server: Served, place: string | number): Promise<number> {
  await new Promise<void>((resolve) => server.listen(place, resolve));
  context.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

const answering =
  (text: string): RequestListener =>
  (_, response) =>
    void response.end(text);

/** A proxy's folder with an Envoy whose metrics and document can be changed. */
async function openProxy(context: TestContext, name = 'web-1') {
  const workDir = mkdtempSync(join(tmpdir(), 'ursa-metrics-'));
  const lines: string[] = [];
  const log = createLog({ level: 'debug', format: 'text', write: (line) => lines.push(line) });
  const state = { document: '{}', tag: '1', asked: [] as string[], unchanged: 0 };
  const envoy = createServer((request, response) => {
    state.asked.push(request.url ?? '');
    response.end(
      '# TYPE envoy_cluster_upstream_rq_total counter\nenvoy_cluster_upstream_rq_total{envoy_cluster_name="web"} 3\n',
    );
  });
  await serve(context, envoy, join(workDir, 'admin.sock'));
  const channel = createServer((request, response) => {
    const known = request.headers['if-none-match'] === state.tag;
    if (known) state.unchanged += 1;
    response.writeHead(known ? 304 : 200, known ? {} : { etag: state.tag }).end(known ? undefined : state.document);
  });
  await serve(context, channel, join(workDir, 'kuma-mesh-metric-config.sock'));
  const metrics = await openMetrics({
    ...{ mesh: 'default', name, workDir, log, refreshInterval: 5 },
    sources: { admin: { socketPath: join(workDir, 'admin.sock') }, address: '' },
  });
  context.after(async () => {
    await metrics.close();
    rmSync(workDir, { recursive: true, force: true });
  });
  // Cut where the peers cut it.
  const socketPath = `${`${workDir}/kuma-mh-${name}-default`.slice(0, 98)}.sock`;
  const scrape = (path = '/meshmetric') => httpGet({ socketPath }, path, limits);
  const tell = (metrics: object) => {
    state.document = JSON.stringify({ observability: { metrics } });
    state.tag = String(Number(state.tag) + 1);
  };
  return { workDir, state, scrape, tell, lines };
}

async function until<Value>(ask: () => Promise<Value> | Value, holds: (value: Value) => boolean): Promise<Value> {
  for (let tries = 0; tries < 2000; tries += 1) {
    const value = await ask();
    if (holds(value)) return value;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return assert.fail('it does not happen');
}

test("Envoy's metrics and the applications' are one answer; who does not answer is named and takes nothing along", async (context) => {
  const proxy = await openProxy(context);
  const port = await serve(context, createServer(answering('# TYPE orders counter\norders_total 7\n')), 0);
  const applications = [
    { name: 'shop', port, path: '/metrics' },
    { name: 'gone', port: 1, path: '/metrics' },
  ];
  proxy.tell({ applications, backends: [{ type: 'Prometheus', name: null }] });
  const { body } = await until(proxy.scrape, (answer) => answer.body.includes('orders'));
  assert.match(body, /envoy_cluster_upstream_rq_total\{envoy_cluster_name="web",kuma_io_mesh_traffic="true"\} 3/);
  assert.match(body, /^orders_total 7$/m);
  assert.match(body, /kuma_dp_metrics_application_up\{name="shop".* 1/);
  assert.match(body, /kuma_dp_metrics_application_up\{name="gone".* 0/);
  assert.match(body, /^# missing: application gone: /m);
  assert.ok(proxy.state.asked.every((path) => path === '/stats/prometheus?usedonly'));
});

test('a proxy with a name that no socket has room for is asked where the control plane says', async (context) => {
  const proxy = await openProxy(context, 'a'.repeat(253));
  proxy.tell({ sidecar: { profiles: { appendProfiles: [{ name: 'All' }] } } });
  await until(proxy.scrape, ({ body }) => body.includes('envoy_cluster'));
});

test('the document is followed by its entity tag: what is not asked for any more is not served', async (context) => {
  const proxy = await openProxy(context);
  proxy.tell({ sidecar: { includeUnused: true, profiles: { appendProfiles: [{ name: 'None' }] } } });
  await until(proxy.scrape, ({ status, body }) => status === 200 && body === '');
  assert.equal(proxy.state.asked.at(-1), '/stats/prometheus');
  await until(
    () => proxy.state.unchanged,
    (count) => count > 3,
  );
  proxy.tell({ sidecar: { profiles: { appendProfiles: [{ name: 'All' }] } } });
  await until(proxy.scrape, ({ body }) => body.includes('envoy_cluster'));
  assert.equal((await proxy.scrape('/other')).status, 404);
});

test('a collector gets the metrics by gRPC, and again after it has refused them', async (context) => {
  const proxy = await openProxy(context);
  const socket = join(proxy.workDir, 'collector.sock');
  const requests: Buffer[] = [];
  const collector = createHttp2Server();
  collector.on('stream', (stream: ServerHttp2Stream, headers) => {
    assert.equal(headers[':path'], '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export');
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => {
      const status = requests.length === 0 ? '14' : '0';
      requests.push(Buffer.concat(chunks));
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': status, 'grpc-message': 'not%20now' }));
      stream.end();
    });
  });
  await serve(context, collector, socket);
  const openTelemetry = { endpoint: socket, refreshInterval: '100ms' };
  proxy.tell({ backends: [{ type: 'OpenTelemetry', name: 'main', openTelemetry }], extraLabels: { mesh: 'default' } });
  await until(
    () => requests.length,
    (count) => count > 2,
  );
  const [request = Buffer.alloc(0)] = requests;
  assert.equal(request.readUInt32BE(1), request.length - 5);
  for (const text of ['envoy_cluster_upstream_rq_total', 'envoy_cluster_name', 'kuma'])
    assert.ok(request.includes(text));
  const log = proxy.lines.join('');
  assert.match(log, /metrics cannot be sent to main: gRPC status 14: not now/);
  assert.match(log, /metrics arrive at main again/);
});

test('a collector gets the metrics by HTTP where it wants them so', async (context) => {
  const proxy = await openProxy(context);
  const socket = join(proxy.workDir, 'collector.sock');
  const paths: string[] = [];
  const collector = createServer((request, response) => {
    paths.push(`${request.method} ${request.url} ${request.headers['content-type']}`);
    request.resume().on('end', () => response.end());
  });
  await serve(context, collector, socket);
  const openTelemetry = { endpoint: socket, refreshInterval: '100ms', protocol: 'http', path: '/otlp' };
  proxy.tell({ backends: [{ type: 'OpenTelemetry', name: 'main', openTelemetry }] });
  await until(
    () => paths.length,
    (count) => count > 1,
  );
  assert.equal(paths[0], 'POST /otlp/v1/metrics application/x-protobuf');
});

test('what is no metric is left out, what is odd stays as it is', () => {
  const text = [
    '# HELP a_total what "it" is',
    '# TYPE a_total counter',
    'a_total{path="\\"C:\\\\\\n",x="{,}"} 1e3 1700000000000',
    'a_total{broken="} 1',
    'not a metric at all',
    'loose NaN',
    '# TYPE h histogram',
    'h_bucket{le="+Inf",} 2 # {trace_id="x"} 0.5',
    'h_count 2',
  ].join('\n');
  assert.equal(
    formatPrometheus(parsePrometheus(text)),
    [
      '# HELP a_total what "it" is',
      '# TYPE a_total counter',
      'a_total{path="\\"C:\\\\\\n",x="{,}"} 1e3 1700000000000',
      '# TYPE loose untyped',
      'loose NaN',
      '# TYPE h histogram',
      'h_bucket{le="+Inf"} 2',
      'h_count 2',
      '',
    ].join('\n'),
  );
});

test('split clusters are joined by their other labels, and all values are written alike', () => {
  const input = `# TYPE envoy_rq counter
envoy_rq{code="200",envoy_cluster_name="shop-00000000000000aa"} 999999
envoy_rq{code="200",envoy_cluster_name="shop-00000000000000bb"} 1
envoy_rq{code="500",envoy_cluster_name="shop-00000000000000bb"} 7
envoy_rq{code="200",envoy_cluster_name="till"} 2500000
envoy_rq{code="201",envoy_cluster_name="till"} 12.50
# TYPE envoy_live gauge
envoy_live{} 1
`;
  assert.equal(
    formatPrometheus(parsePrometheus(input).map(joinClusters)),
    `# TYPE envoy_rq counter
envoy_rq{code="200",envoy_cluster_name="shop",kuma_io_mesh_traffic="true"} 1e+06
envoy_rq{code="500",envoy_cluster_name="shop",kuma_io_mesh_traffic="true"} 7
envoy_rq{code="200",envoy_cluster_name="till",kuma_io_mesh_traffic="true"} 2.5e+06
envoy_rq{code="201",envoy_cluster_name="till",kuma_io_mesh_traffic="true"} 12.5
# TYPE envoy_live gauge
envoy_live 1
`,
  );
});

test('patterns run in linear time; what cannot is refused', () => {
  assert.equal(linearExpression('^(a+)+$')(`${'a'.repeat(5000)}!`), false);
  assert.equal(linearExpression('rq_[0-9]xx')('envoy_cluster_rq_5xx'), true);
  assert.equal(linearExpression('(?i)^ENVOY_.*(?P<code>5\\d\\d)$')('envoy_cluster_503'), true);
  assert.throws(() => linearExpression('(?=a)b'), /invalid/);
  assert.throws(() => linearExpression('(a)\\1'), /invalid/);
});
