import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromBinary } from '@bufbuild/protobuf';
import type { FilterChainDraft, Protocol } from '@ursa/envoy';
import { Cluster_DiscoveryType, Cluster_DnsLookupFamily } from '@ursa/envoy/gen/envoy/config/cluster/v3/cluster_pb.ts';
import { DatadogConfigSchema } from '@ursa/envoy/gen/envoy/config/trace/v3/datadog_pb.ts';
import { OpenTelemetryConfigSchema } from '@ursa/envoy/gen/envoy/config/trace/v3/opentelemetry_pb.ts';
import { ZipkinConfigSchema } from '@ursa/envoy/gen/envoy/config/trace/v3/zipkin_pb.ts';
import type { TrafficPlace, WorkloadFacts } from '@ursa/policy';
import { parseServer } from '../src/mesh-trace/collector.ts';
import { meshTrace } from '../src/mesh-trace/mesh-trace.ts';
import { inboundPlace, outboundPlace, proxyPlace } from './drafts.ts';

const { hooks } = meshTrace;
const workload: WorkloadFacts = { service: 'web', zone: 'east', kri: undefined, ipv6: false };
const zipkin = (url: string) => ({ backends: [{ type: 'Zipkin', zipkin: { url } }] });
const datadog = (splitService: boolean) => ({
  backends: [{ type: 'Datadog', datadog: { url: 'http://127.0.0.1:8126', splitService } }],
});
const collector = { backends: [{ type: 'OpenTelemetry', openTelemetry: { endpoint: 'collector.example:4318' } }] };

function place(direction: TrafficPlace['direction'], protocol: Protocol, facts = workload): TrafficPlace {
  const { proxy, listener, chains } = direction === 'inbound' ? inboundPlace(protocol) : outboundPlace(protocol);
  return { proxy, workload: facts, direction, destination: 'api', listener, chains };
}

function tracingOf({ chains }: { readonly chains: readonly FilterChainDraft[] }) {
  const terminal = chains[0]?.terminal;
  return terminal?.kind === 'http' ? terminal.manager.tracing : undefined;
}

function traced(conf: unknown, direction: TrafficPlace['direction'] = 'inbound', facts = workload) {
  const shown = place(direction, 'http', facts);
  hooks.traffic?.(shown, conf);
  const tracing = tracingOf(shown);
  const config = tracing?.provider?.configType;
  return { tracing, provider: config?.value?.value ?? new Uint8Array() };
}

function clustersFor(conf: unknown, facts: Partial<WorkloadFacts> = {}, unifiedNaming = false) {
  const given = proxyPlace({ unifiedNaming }, { ...workload, ...facts });
  return hooks.proxy?.(given, conf).clusters ?? [];
}

const literals = ({ tracing }: ReturnType<typeof traced>) =>
  tracing?.customTags.map(({ tag, type }) => [tag, type.case === 'literal' ? type.value.value : type.case]);

test('HTTP traffic in both directions is traced, TCP is not', () => {
  for (const direction of ['inbound', 'outbound'] as const) {
    assert.equal(traced(zipkin('http://zipkin:9411'), direction).tracing?.provider?.name, 'envoy.tracers.zipkin');
    const tcp = place(direction, 'tcp');
    hooks.traffic?.(tcp, zipkin('http://zipkin:9411'));
    assert.equal(tracingOf(tcp), undefined);
  }
});

test('without a collector nothing is traced and no cluster is made', () => {
  const byReference = {
    type: 'OpenTelemetry',
    openTelemetry: { backendRef: { kind: 'MeshOpenTelemetryBackend', name: 'some' } },
  };
  for (const conf of [{}, { backends: [] }, { backends: [byReference] }]) {
    assert.equal(traced(conf).tracing, undefined);
    assert.deepEqual(clustersFor(conf), []);
  }
});

test('Zipkin gets the path and the host that the URL names', () => {
  const config = fromBinary(ZipkinConfigSchema, traced(zipkin('http://zipkin:9411/api/v2/spans?secret=1')).provider);
  assert.deepEqual(
    [config.collectorCluster, config.collectorEndpoint, config.collectorHostname, config.sharedSpanContext],
    ['meshtrace:zipkin', '/api/v2/spans', 'zipkin:9411', true],
  );
});

test('Datadog gets the service, or one for each direction and destination when it is split', () => {
  const serviceOf = (...[conf, direction]: Parameters<typeof traced>) =>
    fromBinary(DatadogConfigSchema, traced(conf, direction).provider).serviceName;
  assert.equal(serviceOf(datadog(false), 'outbound'), 'web');
  assert.equal(serviceOf(datadog(true), 'inbound'), 'web_INBOUND');
  assert.equal(serviceOf(datadog(true), 'outbound'), 'web_OUTBOUND_api');
});

test('an OpenTelemetry collector is called by gRPC', () => {
  const { grpcService, serviceName } = fromBinary(OpenTelemetryConfigSchema, traced(collector).provider);
  assert.equal(serviceName, 'web');
  const target = grpcService?.targetSpecifier;
  assert.equal(target?.case === 'envoyGrpc' ? target.value.clusterName : '', 'meshtrace:opentelemetry');
  const [cluster] = clustersFor(collector);
  assert.equal(cluster?.httpOptions?.upstreamProtocolOptions.case, 'explicitHttpConfig');
});

test('percentages are written as they are, 0 among them; what is not said is left to Envoy', () => {
  const { tracing } = traced({ ...zipkin('http://zipkin:9411'), sampling: { overall: '12.5', random: 0 } });
  assert.equal(tracing?.overallSampling?.value, 12.5);
  assert.equal(tracing?.randomSampling?.value, 0);
  assert.equal(tracing?.clientSampling, undefined);
});

test('spans say whose they are; a tag of the user with such a name takes its place', () => {
  const conf = zipkin('http://zipkin:9411');
  const mine = {
    tags: [
      { name: 'kuma.zone', literal: 'mine' },
      { name: 'env', header: { name: 'x-env' } },
    ],
  };
  assert.deepEqual(literals(traced(conf)), [
    ['kuma.mesh', 'default'],
    ['kuma.zone', 'east'],
  ]);
  assert.deepEqual(
    literals(traced({ ...conf, ...mine }, 'inbound', { ...workload, kri: 'kri_wl_default_east__web_' })),
    [
      ['kuma.zone', 'mine'],
      ['env', 'requestHeader'],
      ['kuma.mesh', 'default'],
      ['kuma.workload', 'kri_wl_default_east__web_'],
    ],
  );
});

test('a collector is found by name or by address, over IPv6 where the proxy has it', () => {
  const typeOf = (conf: unknown) => clustersFor(conf)[0]?.message.clusterDiscoveryType.value;
  assert.equal(typeOf(datadog(false)), Cluster_DiscoveryType.STATIC);
  assert.equal(typeOf(collector), Cluster_DiscoveryType.STRICT_DNS);
  const familyOf = (ipv6: boolean) => clustersFor(collector, { ipv6 })[0]?.message.dnsLookupFamily;
  assert.equal(familyOf(false), Cluster_DnsLookupFamily.V4_ONLY);
  assert.equal(familyOf(true), Cluster_DnsLookupFamily.AUTO);
});

test('only https is spoken in TLS', () => {
  const socketOf = (url: string) => clustersFor(zipkin(url))[0]?.message.transportSocket?.name;
  assert.equal(socketOf('https://zipkin.example/api/v2/spans'), 'envoy.transport_sockets.tls');
  assert.equal(socketOf('http://zipkin.example/api/v2/spans'), undefined);
});

test('clusters have the names that the proxy asked for', () => {
  const nameOf = (unified: boolean) => clustersFor(zipkin('http://Zipkin:9411/api'), {}, unified)[0]?.message.name;
  assert.equal(nameOf(false), 'meshtrace:zipkin');
  assert.equal(nameOf(true), 'system_meshtrace_zipkin_http---zipkin-9411-api');
});

test('addresses are read with the defaults of their scheme', () => {
  const portOf = (address: string) => parseServer(address)?.port;
  assert.deepEqual([portOf('http://z'), portOf('https://z/x'), portOf('z'), portOf('z:1')], [80, 443, 80, 1]);
  assert.equal(parseServer('[2001:db8::1]:4317')?.host, '2001:db8::1');
  for (const wrong of ['', 'ftp://z', 'z:0', 'z:65536', 'a b', 'http://user@z:x']) {
    assert.equal(parseServer(wrong), undefined, wrong);
  }
});

test('a collector that is a resource is spoken to as it wants it', () => {
  const backendRef = { kind: 'MeshOpenTelemetryBackend', name: 'main' };
  const conf = { backends: [{ type: 'OpenTelemetry', openTelemetry: { backendRef } }] };
  for (const [protocol, text] of [
    ['grpc', 'meshtrace:opentelemetry'],
    ['http', 'http://collector.example:4318/otlp/v1/traces'],
  ] as const) {
    const shown = place('inbound', 'http');
    const found = { name: 'main', host: 'collector.example', port: 4318, protocol, path: '/otlp' };
    hooks.traffic?.({ ...shown, proxy: { ...shown.proxy, collectorOf: () => found } }, conf);
    const config = tracingOf(shown)?.provider?.configType.value?.value ?? new Uint8Array();
    assert.ok(Buffer.from(config).includes(text), protocol);
  }
});
