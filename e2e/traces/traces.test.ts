// Traces that arrive: one trace for a request that two proxies pass, at a real Zipkin and at a real OpenTelemetry collector.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { absentTool, startOpenTelemetryCollector, startZipkin } from '../harness/collectors.ts';
import { answers, openWorld } from '../harness/world.ts';

const world = await openWorld();
after(() => world.close());
const { controlPlane } = world;
await world.start({ service: 'backend' });
const client = await world.start({ service: 'client', calls: ['backend'] });

async function traceTo(backend: object): Promise<void> {
  const tags = [{ name: 'team', literal: 'core' }];
  const spec = { default: { backends: [backend], tags } };
  await controlPlane.apply({ type: 'MeshTrace', mesh: 'default', name: 'all', spec });
}

test('Zipkin has one trace with a span of each proxy', { skip: absentTool('zipkin') }, async () => {
  // because a user's machine may have no Java or Maven
  const zipkin = await startZipkin();
  try {
    await traceTo({ type: 'Zipkin', zipkin: { url: `${zipkin.url}/api/v2/spans` } });
    const trace = await waitFor(
      'a trace of both proxies',
      async () => {
        await answers(client.urlOf('backend'), 200);
        const traces = await zipkin.traces('client');
        return traces.find((spans) => new Set(spans.map((span) => span.localEndpoint?.serviceName)).size === 2);
      },
      { within: 60_000, every: 200 },
    );
    assert.equal(new Set(trace.map((span) => span.traceId)).size, 1);
    for (const span of trace) {
      assert.equal(span.tags?.['kuma.mesh'], 'default');
      assert.equal(span.tags?.team, 'core');
    }
  } finally {
    await zipkin.stop();
  }
});

test('an OpenTelemetry collector has spans of both proxies, by its address and as a resource', {
  skip: absentTool('otelcol'),
}, async () => {
  // because a user's machine may have no Go to build it
  const collector = await startOpenTelemetryCollector(world.folder);
  try {
    const arrive = async (what: string, wanted: number) => {
      const texts = ['service.name: Str(client)', 'service.name: Str(backend)'];
      await waitFor(
        what,
        async () => {
          await answers(client.urlOf('backend'), 200);
          return texts.every((text) => collector.count(text) >= wanted);
        },
        { within: 60_000, every: 200 },
      );
    };
    await traceTo({ type: 'OpenTelemetry', openTelemetry: { endpoint: `127.0.0.1:${collector.grpcPort}` } });
    await arrive('spans by gRPC', 1);
    const endpoint = { address: '127.0.0.1', port: collector.httpPort };
    const spec = { protocol: 'http', endpoint };
    await controlPlane.apply({ type: 'MeshOpenTelemetryBackend', mesh: 'default', name: 'main', spec });
    const before = collector.count('service.name: Str(client)');
    const backendRef = { kind: 'MeshOpenTelemetryBackend', name: 'main' };
    await traceTo({ type: 'OpenTelemetry', openTelemetry: { backendRef } });
    await waitFor('Envoy has the new collector', async () =>
      (await client.admin('/clusters')).includes(`:${collector.httpPort}::`),
    );
    await arrive('spans by HTTP', before + 1);
  } finally {
    await collector.stop();
  }
});
