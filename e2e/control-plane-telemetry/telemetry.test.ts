// What the control plane tells of itself, at a real OpenTelemetry collector: its metrics, and a change from the request to Envoy's answer.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { absentTool, type OpenTelemetryCollector, startOpenTelemetryCollector } from '../harness/collectors.ts';
import { answers, openWorld, type World } from '../harness/world.ts';

// because a user's machine may have no Go to build it
const skip = absentTool('otelcol');
const folder = mkdtempSync(join(tmpdir(), 'ursa-telemetry-'));
const ends: (() => Promise<void>)[] = [];
after(async () => {
  for (const end of ends.reverse()) await end();
  rmSync(folder, { recursive: true, force: true });
});

async function open(environmentOf: (collector: OpenTelemetryCollector) => Record<string, string>) {
  const collector = await startOpenTelemetryCollector(folder);
  const world = await openWorld(environmentOf(collector));
  ends.push(
    () => collector.stop(),
    () => world.close(),
  );
  return { collector, world };
}

const traceId = '0af7651916cd43dd8448eb211c80319c';

async function applyTimeout({ controlPlane }: World, seconds: number): Promise<void> {
  const spec = {
    targetRef: { kind: 'Dataplane' },
    to: [{ targetRef: { kind: 'Mesh' }, default: { connectionTimeout: `${seconds}s` } }],
  };
  const response = await fetch(`${controlPlane.apiUrl}/meshes/default/meshtimeouts/traced`, {
    method: 'PUT',
    headers: {
      'content-type': 'application/json',
      traceparent: `00-${traceId}-b7ad6b7169203331-01`,
    },
    body: JSON.stringify({ type: 'MeshTimeout', mesh: 'default', name: 'traced', spec }),
  });
  assert.ok(response.ok, await response.text());
}

test('by gRPC: metrics, and one trace of a change to the last answer', { skip }, async () => {
  const { collector, world } = await open(({ grpcPort }) => ({
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${grpcPort}`,
    OTEL_METRIC_EXPORT_INTERVAL: '500',
    OTEL_RESOURCE_ATTRIBUTES: 'team=mesh',
    KUMA_TRACING_OPENTELEMETRY_ENABLED: 'true',
  }));
  await world.start({ service: 'backend' });
  const client = await world.start({ service: 'client', calls: ['backend'] });
  await answers(client.urlOf('backend'), 200);
  await collector.received('metrics of the control plane', /service\.name: Str\(kuma-cp\)/);
  await collector.received('attributes of the resource', /team: Str\(mesh\)/);
  await collector.received('a histogram', /Name: xds_delivery[\s\S]*?DataType: Histogram/);
  await applyTimeout(world, 7);
  const attributes = 'mesh\\.proxies: Int\\([12]\\)\\n[^#]*mesh\\.proxies\\.refused: Int\\(0\\)';
  await collector.received(
    'the roll-out',
    new RegExp(`Trace ID +: ${traceId}\\n[^#]*Name +: rollout\\n[^#]*${attributes}`),
  );
  for (const name of ['PUT /meshes/\\{mesh\\}/meshtimeouts/\\{name\\}', 'store\\.write', 'derive', 'push'])
    await collector.received(name, new RegExp(`Trace ID +: ${traceId}\\n[^#]*Name +: ${name}\\n`));
  await collector.received(
    'the caller as parent',
    new RegExp(`Trace ID +: ${traceId}\\n\\s*Parent ID +: b7ad6b7169203331\\n`),
  );
});

test('by HTTP, to the collector of the setting; a collector that is gone holds nothing up', { skip }, async () => {
  const { collector, world } = await open(({ httpPort }) => ({
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `http://127.0.0.1:${httpPort}/v1/traces`,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
    KUMA_TRACING_OPENTELEMETRY_ENABLED: 'true',
  }));
  await applyTimeout(world, 8);
  await collector.received('a span', new RegExp(`Trace ID +: ${traceId}\\n[^#]*Name +: store\\.write\\n`));
  assert.equal(collector.count('xds_delivery'), 0);
  await collector.stop();
  for (let seconds = 1; seconds <= 20; seconds += 1) await applyTimeout(world, seconds);
});
