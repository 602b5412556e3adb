// A whole control plane with a proxy on it, and what /metrics then says; every family stands in the guide, and the guide names no other.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { typeUrls } from '@ursa/envoy';
import { parsePrometheus } from '@ursa/telemetry';
import { type ControlPlane, openControlPlane } from '../src/compose.ts';
import { defaultSettings } from '../src/config/load-settings.ts';
import { openLog } from '../src/log.ts';
import { type RunningComponents, runComponents } from '../src/run-components.ts';
import { connectTo } from './xds/ads-client.ts';

const folder = mkdtempSync(join(tmpdir(), 'ursa-watching-'));
let controlPlane: ControlPlane;
let running: RunningComponents;

before(async () => {
  const log = openLog('info', { write: () => {} });
  const settings = defaultSettings({
    'general.workDir': folder,
    'apiServer.http.port': 0,
    'apiServer.http.interface': '127.0.0.1',
    'apiServer.https.enabled': false,
    'dpServer.port': 0,
    'dpServer.authn.dpProxy.type': 'none',
    // The process may be one that runs all tests, with a full heap.
    'dpServer.maxMemoryPercent': 0,
    'diagnostics.serverPort': 0,
    'metrics.mesh.minResyncInterval': 10,
    'policies.envoyValidation.enabled': false,
  });
  controlPlane = await openControlPlane(settings, log);
  running = await runComponents(controlPlane.components, log.component('test'));
});
after(async () => {
  await running.stop(10_000);
  rmSync(folder, { recursive: true });
});

async function write(path: string, resource: object): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${controlPlane.api.ports.http}${path}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(resource),
  });
  assert.ok(response.ok, await response.text());
}

async function metricsText(): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${controlPlane.diagnostics.port}/metrics`);
  assert.match(response.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
  return await response.text();
}

/** Asks until every line is there; on a machine that does much else that may take a while. */
async function untilTold(...lines: readonly RegExp[]): Promise<string> {
  for (const end = Date.now() + 45_000; ; ) {
    const text = await metricsText();
    const missing = lines.find((line) => !line.test(text));
    if (missing === undefined) return text;
    if (Date.now() > end) assert.fail(`no line ${missing} in\n${text}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

test('a change is told from its write to the last answer', async () => {
  await write('/meshes/default/dataplanes/web', {
    type: 'Dataplane',
    mesh: 'default',
    name: 'web',
    networking: {
      address: '127.0.0.1',
      inbound: [{ port: 8080, tags: { 'kuma.io/service': 'web' } }],
      outbound: [{ port: 9090, tags: { 'kuma.io/service': 'web' } }],
    },
  });
  // Not before: when all tests are one process this one may come minutes after its start, and idle connections are cut.
  const connection = await connectTo(controlPlane.dpServer.port);
  const stream = connection.delta();
  stream.send({ node: { id: 'default.web', cluster: 'web' }, typeUrl: typeUrls.cluster });
  stream.send({ typeUrl: typeUrls.listener });
  // Answers everything, as Envoy does; endpoints of the clusters that it gets are asked for too.
  void (async () => {
    while (!stream.raw.closed) {
      if (stream.pending() === 0) {
        await new Promise((resolve) => setTimeout(resolve, 5));
        continue;
      }
      const { typeUrl, nonce, resources } = await stream.next();
      stream.send({ typeUrl, responseNonce: nonce });
      if (typeUrl === typeUrls.cluster)
        stream.send({ typeUrl: typeUrls.endpoint, resourceNamesSubscribe: resources.map(({ name }) => name) });
    }
  })().catch(() => undefined);
  await untilTold(/^xds_delivery_count\{zone="default"\} [1-9]/m, /^xds_streams_active\{zone="default"\} 1$/m);
  const arrivedIn = (text: string) => Number(/^xds_propagation_seconds_count\{.*\} (\d+)$/m.exec(text)?.[1]);
  const arrived = arrivedIn(await metricsText());
  await write('/meshes/default/meshtimeouts/short', {
    type: 'MeshTimeout',
    mesh: 'default',
    name: 'short',
    spec: {
      targetRef: { kind: 'Dataplane', name: 'web' },
      to: [{ targetRef: { kind: 'Mesh' }, default: { connectionTimeout: '7s' } }],
    },
  });
  const cluster = typeUrls.cluster.replaceAll('.', '\\.');
  const text = await untilTold(
    new RegExp(`^xds_responses_sent\\{type_url="${cluster}",zone="default"\\} [1-9]`, 'm'),
    new RegExp(`^xds_responses_sent_bytes_sum\\{type_url="${cluster}",zone="default"\\} [1-9]`, 'm'),
    new RegExp(
      `^xds_requests_received\\{type_url="${cluster}",confirmation="ACK",error_type="no_error",zone="default"\\} [1-9]`,
      'm',
    ),
    /^store_count\{operation="create",resource_type="MeshTimeout",zone="default"\} [1-9]/m,
    /^xds_generation_count\{proxy_type="dataplane",result="changed",zone="default"\} [1-9]/m,
    /^api_server_http_request_duration_seconds_count\{handler="\/meshes\/\{mesh\}\/meshtimeouts\/\{name\}",method="PUT",code="201",zone="default"\} 1$/m,
    /^insights_resyncer_event_time_processing_count\{result="changed",zone="default"\} [1-9]/m,
    /^event_loop_lag_seconds_count\{zone="default"\} [1-9]/m,
    /^xds_propagation_underway\{zone="default"\} 0$/m,
  );
  assert.ok(arrivedIn(text) > arrived);
  assert.match(text, /^xds_propagation_seconds_bucket\{zone="default",le="60"\} [1-9]/m);
  assert.doesNotMatch(text, /="default\.web"|="web"/, 'no series is of a single proxy');
  connection.close();
});

test('the guide has every family, and no other', async () => {
  const guide = readFileSync(join(import.meta.dirname, '../../../docs/guide/metrics.md'), 'utf8');
  const [told = '', absent = ''] = guide.split('\n## Names of the peer that are not here\n');
  const namesIn = (text: string): readonly string[] =>
    [...text.matchAll(/^\| `([a-z_]+)`/gm)].map(([, name = '']) => name).sort();
  const names = [...(await metricsText()).matchAll(/^# TYPE (\S+)/gm)].map(([, name = '']) => name);
  assert.deepEqual(namesIn(told), names.sort());
  for (const name of namesIn(absent)) assert.ok(!names.includes(name), `${name} is here`);
  assert.ok(namesIn(absent).length > 0);
});

test('what is served can be read again', async () => {
  const families = parsePrometheus(await metricsText());
  assert.ok(families.length > 40, String(families.length));
  for (const { name, help } of families) assert.notEqual(help, '', name);
});
