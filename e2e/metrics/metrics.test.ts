// Metrics that arrive: Envoy's and an application's from one listener, for the mesh only where it is asked for, and at a real collector.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, test } from 'node:test';
import { freePort } from '../../examples/demo/free-ports.ts';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { listen } from '../../examples/service.ts';
import { absentTool, startOpenTelemetryCollector } from '../harness/collectors.ts';
import { answers, meshWith, openWorld } from '../harness/world.ts';

// Traffic flows in plain text before the mesh gets mTLS only, which is not what these tests are about.
const world = await openWorld({ KUMA_POLICIES_STRICT_MTLS_QUIET_PERIOD: '0s' });
after(() => world.close());
const { controlPlane } = world;
const application = createServer((_, response) => {
  response.setHeader('content-type', 'text/plain; version=0.0.4');
  response.end('# TYPE orders_total counter\norders_total{kind="book"} 42\n');
});
const { port: applicationPort, close } = await listen(application, 0);
after(() => close());
await world.start({ service: 'backend' });
const client = await world.start({ service: 'client', calls: ['backend'] });
const port = await freePort();
const metricsUrl = `http://127.0.0.1:${port}/metrics`;

const policy = (spec: object) => ({ type: 'MeshMetric', mesh: 'default', name: 'of-the-client', spec });
const targetRef = { kind: 'MeshService', name: 'client' };
const prometheus = (more: object = {}) => ({ type: 'Prometheus', prometheus: { port, path: '/metrics', ...more } });

async function metricsWith(pattern: RegExp): Promise<string> {
  return waitFor(
    `${metricsUrl} gives ${pattern}`,
    async () => {
      const response = await fetch(metricsUrl);
      const text = await response.text();
      return response.ok && pattern.test(text) && text;
    },
    { within: 30_000, every: 50 },
  );
}

test("Prometheus finds Envoy's metrics and the application's at one place", async () => {
  const applications = [{ name: 'shop', port: applicationPort, path: '/metrics' }];
  await controlPlane.apply(policy({ targetRef, default: { applications, backends: [prometheus()] } }));
  for (let count = 0; count < 3; count += 1) await answers(client.urlOf('backend'), 200);
  const text = await metricsWith(/envoy_cluster_upstream_rq_total\{[^}]*envoy_cluster_name="backend/);
  const [, requests] =
    /^envoy_cluster_upstream_rq_total\{[^}]*envoy_cluster_name="backend"[^}]*\} (\d+)$/m.exec(text) ?? [];
  assert.ok(Number(requests) >= 3, text.slice(0, 2000));
  assert.match(text, /^orders_total\{kind="book"\} 42$/m);
  assert.doesNotMatch(text, /envoy_cluster_name="ads_cluster"/);
});

test('a profile, and what is taken out of it, take effect while the proxy runs', async () => {
  const include = [{ type: 'Regex', match: '^envoy_server_(uptime|live)$' }];
  const sidecar = { profiles: { appendProfiles: [{ name: 'None' }], include } };
  await controlPlane.apply(policy({ targetRef, default: { sidecar, backends: [prometheus()] } }));
  const text = await metricsWith(/^(?![\s\S]*envoy_cluster)[\s\S]*envoy_server_uptime/);
  assert.doesNotMatch(text, /envoy_cluster/);
});

test('a collector gets them, by gRPC', { skip: absentTool('otelcol') }, async () => {
  // because a user's machine may have no Go to build it
  const collector = await startOpenTelemetryCollector(world.folder);
  try {
    const openTelemetry = { endpoint: `127.0.0.1:${collector.grpcPort}`, refreshInterval: '500ms' };
    const sidecar = {
      profiles: { appendProfiles: [{ name: 'None' }], include: [{ type: 'Exact', match: 'envoy_server_uptime' }] },
    };
    const applications = [{ name: 'shop', port: applicationPort, path: '/metrics' }];
    const backends = [{ type: 'OpenTelemetry', openTelemetry }];
    await controlPlane.apply(policy({ targetRef, default: { sidecar, applications, backends } }));
    await collector.received('a metric of Envoy', /Name: envoy_server_uptime/);
    await collector.received('a metric of the application', /Name: orders_total[\s\S]*?Value: 42/);
    await collector.received('whose it is', /kuma_io_service: Str\(client\)/);
  } finally {
    await collector.stop();
  }
});

test('a collector that is a resource gets them, by HTTP', { skip: absentTool('otelcol') }, async () => {
  // because a user's machine may have no Go to build it
  const collector = await startOpenTelemetryCollector(world.folder);
  try {
    const backend = { type: 'MeshOpenTelemetryBackend', mesh: 'default', name: 'main' };
    const endpoint = { address: '127.0.0.1', port: collector.httpPort };
    await controlPlane.apply({ ...backend, spec: { protocol: 'http', endpoint } });
    const openTelemetry = { backendRef: { kind: 'MeshOpenTelemetryBackend', name: 'main' }, refreshInterval: '500ms' };
    const backends = [{ type: 'OpenTelemetry', openTelemetry }];
    await controlPlane.apply(policy({ targetRef, default: { backends } }));
    await collector.received('a metric of Envoy', /Name: envoy_cluster_upstream_rq/);
  } finally {
    await collector.stop();
  }
});

test('secured by the mesh, metrics are still there for the own host, and TLS is asked of nobody else in clear text', async () => {
  await controlPlane.apply(meshWith('STRICT'));
  const tls = { mode: 'ActiveMTLSBackend' };
  await controlPlane.apply(policy({ targetRef, default: { backends: [prometheus({ tls })] } }));
  await metricsWith(/envoy_server/);
  const { chains } = await waitFor('Envoy has the secured chain', async () => {
    const dump = await client.admin('/config_dump?resource=dynamic_listeners');
    const { configs = [] } = JSON.parse(dump) as {
      configs?: { name: string; active_state?: { listener: { filter_chains: { transport_socket?: object }[] } } }[];
    };
    const found = configs.find(({ name }) => name.startsWith('_kuma:metrics:prometheus'))?.active_state?.listener
      .filter_chains;
    return found?.length === 2 && { chains: found };
  });
  assert.deepEqual(
    chains.map(({ transport_socket }) => transport_socket !== undefined),
    [false, true],
  );
});
