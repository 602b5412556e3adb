// Traces that arrive: one trace for a request that two proxies pass, at a real Zipkin and at real OpenTelemetry collectors.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { freePort } from '../../examples/demo/free-ports.ts';
import { waitFor } from '../../examples/demo/wait-for.ts';
import { absentTool, startOpenTelemetryCollector, startZipkin } from '../harness/collectors.ts';
import { openAuthority } from '../harness/tls-server.ts';
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

/** Files of a collector and of its clients, of one authority. */
function makeFiles() {
  const authority = openAuthority(world.folder, 'telemetry');
  const write = (name: string, text: string): string => {
    const path = join(world.folder, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
  const [server, client] = [authority.issue('collector', 'IP:127.0.0.1'), authority.issue('proxy', 'DNS:proxy')];
  const trusted = write('telemetry.pem', authority.certificate);
  return {
    trusted,
    server: {
      cert_file: write('collector.pem', server.certificate),
      key_file: write('collector.key', server.key),
      client_ca_file: trusted,
    },
    client: { certificate: write('proxy.pem', client.certificate), key: write('proxy.key', client.key) },
  };
}

test("spans arrive at the collector that only kuma-dp's environment names, and no header of it is told to anybody", {
  skip: absentTool('otelcol'),
}, async () => {
  // because a user's machine may have no Go to build it
  const { trusted, server, client: shown } = makeFiles();
  const collector = await startOpenTelemetryCollector(world.folder, server);
  try {
    const named = {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${await freePort()}`,
      OTEL_EXPORTER_OTLP_CERTIFICATE: trusted,
      OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: shown.certificate,
      OTEL_EXPORTER_OTLP_CLIENT_KEY: shown.key,
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20very-s3cret',
    };
    const start = (service: string, environment: Readonly<Record<string, string>>) =>
      world.start({ service, calls: ['backend'], environment: { ...named, ...environment } });
    const own = await start('told', {
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `https://127.0.0.1:${collector.httpPort}/v1/traces`,
      OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/protobuf',
    });
    const other = await start('told-grpc', {
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `https://127.0.0.1:${collector.grpcPort}`,
    });
    const spec = { env: { mode: 'Required' } };
    await controlPlane.apply({ type: 'MeshOpenTelemetryBackend', mesh: 'default', name: 'environment', spec });
    await traceTo({
      type: 'OpenTelemetry',
      openTelemetry: { backendRef: { kind: 'MeshOpenTelemetryBackend', name: 'environment' } },
    });
    await waitFor(
      'spans of the proxies that were told, by HTTP and by gRPC',
      async () => {
        for (const proxy of [own, other]) await answers(proxy.urlOf('backend'), 200);
        return ['told', 'told-grpc'].every((service) => collector.count(`service.name: Str(${service})`) > 0);
      },
      { within: 60_000, every: 200 },
    );
    assert.equal(collector.count('service.name: Str(backend)'), 0, 'a proxy without the variables sends nothing');
    const read = async (path: string) => (await controlPlane.request('GET', path)).text;
    const configOf = (name: string) => read(`/meshes/default/dataplanes/${name}/_config?include=warnings`);
    assert.match(await configOf(client.name), /no traces are sent to MeshOpenTelemetryBackend\/default\/environment/);
    const status = await read('/meshes/default/meshopentelemetrybackends/environment');
    assert.match(status, /RequiredEnvMissing/);
    assert.ok(status.includes(client.name) && !status.includes(own.name), status);
    const told = `${await own.admin('/config_dump')}${await configOf(own.name)}`;
    assert.match(told, /headersPresent/);
    assert.match(told, /OTEL_EXPORTER_OTLP_HEADERS of kuma-dp has no effect/);
    const logs = [own.proxy.process.output(), controlPlane.process().output()];
    for (const text of [told, ...logs]) assert.doesNotMatch(text, /s3cret/);
  } finally {
    await collector.stop();
  }
});
