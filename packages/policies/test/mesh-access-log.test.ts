import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type JsonObject, toJson } from '@bufbuild/protobuf';
import { type FilterChainDraft, type Protocol, registry } from '@ursa/envoy';
import { AccessLogSchema } from '@ursa/envoy/gen/envoy/config/accesslog/v3/accesslog_pb.ts';
import type { InboundMatch } from '@ursa/policy';
import { createWorld } from '../../engine/test/world.ts';
import { meshAccessLog } from '../src/mesh-access-log/mesh-access-log.ts';
import { headOf, inboundPlace, outboundPlace } from './drafts.ts';

const { hooks } = meshAccessLog;
const self = { name: 'web-1', address: '192.0.2.7', service: 'shop', zone: 'east', workload: '', workdir: '/var/dp' };
const file = (path: string, format?: object) => ({
  backends: [{ type: 'File', file: { path, ...(format && { format }) } }],
});
const plain = (text: string) => ({ type: 'Plain', plain: text });

function loggersOf({ terminal }: FilterChainDraft): JsonObject[] {
  const { accessLog } = terminal.kind === 'http' ? terminal.manager : terminal.proxy;
  return accessLog.map((logger) => toJson(AccessLogSchema, logger, { registry }) as JsonObject);
}

function configOf(logger: JsonObject | undefined): JsonObject {
  return (logger?.typedConfig ?? {}) as JsonObject;
}

function textOf(logger: JsonObject | undefined): unknown {
  const { logFormat } = configOf(logger) as { logFormat?: { textFormatSource?: { inlineString?: string } } };
  return logFormat?.textFormatSource?.inlineString;
}

function expressionOf(logger: JsonObject | undefined): unknown {
  const { filter } = (logger ?? {}) as { filter?: { extensionFilter?: { typedConfig?: { expression?: string } } } };
  return filter?.extensionFilter?.typedConfig?.expression;
}

function sent(protocol: Protocol, conf: unknown) {
  const { chain, ...place } = outboundPlace(protocol);
  hooks.outbound?.({ ...place, proxy: { ...place.proxy, self }, destination: 'orders' }, conf);
  return { loggers: loggersOf(chain), clusters: place.extraClusters };
}

function received(rules: readonly { readonly match?: InboundMatch; readonly conf: unknown }[]) {
  const { chain, ...place } = inboundPlace('http');
  const origin = { head: headOf('MeshAccessLog', 'logs'), ruleIndex: 0 };
  const all = rules.map((rule) => ({ ...rule, origin }));
  const tags = { 'kuma.io/service': 'orders' };
  hooks.inboundRules?.({ ...place, proxy: { ...place.proxy, self }, tags }, { rules: all, from: [], fromEntries: [] });
  return { loggers: loggersOf(chain), listener: place.listener.message };
}

test('placeholders of the mesh are filled in, operators of Envoy stay', () => {
  const format = plain('%KUMA_SOURCE_SERVICE% %KUMA_DESTINATION_SERVICE% %KUMA_SOURCE_ADDRESS% %KUMA_ZONE% %DURATION%');
  assert.equal(textOf(sent('http', file('/log', format)).loggers[0]), 'shop orders 192.0.2.7:0 east %DURATION%\n');
});

test('without a format the line fits the protocol', () => {
  assert.match(
    String(textOf(sent('http', file('/log')).loggers[0])),
    /%REQ\(:METHOD\)%.*"shop" "orders" "192\.0\.2\.7"/,
  );
  assert.match(String(textOf(sent('tcp', file('/log')).loggers[0])), /192\.0\.2\.7\(shop\)->%UPSTREAM_HOST%\(orders\)/);
});

test('JSON is written as an object', () => {
  const json = [{ key: 'mesh', value: '%KUMA_MESH%' }];
  const [logger] = sent('tcp', file('/log', { type: 'Json', json, omitEmptyValues: true })).loggers;
  assert.deepEqual(configOf(logger).logFormat, { jsonFormat: { mesh: 'default' }, omitEmptyValues: true });
});

test('lines for a TCP address go to the pipe of kuma-dp, with the address', () => {
  const tcp = { address: 'logs.example:5000', format: plain('%KUMA_TRAFFIC_DIRECTION%') };
  const config = configOf(sent('tcp', { backends: [{ type: 'Tcp', tcp }] }).loggers[0]);
  assert.equal(config.path, '/var/dp/kuma-al-web-1-default.sock');
  assert.deepEqual(config.logFormat, { jsonFormat: { address: 'logs.example:5000', message: 'OUTBOUND\n' } });
});

test('a collector gets a cluster, named by its address', () => {
  const openTelemetry = {
    endpoint: 'collector.example',
    attributes: [{ key: 'to', value: '%KUMA_DESTINATION_SERVICE%' }],
  };
  const { loggers, clusters } = sent('tcp', { backends: [{ type: 'OpenTelemetry', openTelemetry }] });
  const name = 'meshaccesslog:opentelemetry:collector.example:4317';
  assert.deepEqual(
    clusters.map((cluster) => cluster.message.name),
    [name],
  );
  const config = configOf(loggers[0]);
  assert.deepEqual(config.grpcService, { envoyGrpc: { clusterName: name } });
  assert.deepEqual(config.attributes, { values: [{ key: 'to', value: { stringValue: 'orders' } }] });
});

test('a body that is no OTLP value is logged as text', () => {
  const bodyOf = (body: unknown) => {
    const openTelemetry = { endpoint: 'collector:1', body };
    return configOf(sent('tcp', { backends: [{ type: 'OpenTelemetry', openTelemetry }] }).loggers[0]).body;
  };
  assert.deepEqual(bodyOf({ stringValue: '%KUMA_MESH%' }), { stringValue: 'default' });
  assert.deepEqual(bodyOf('in %KUMA_MESH%'), { stringValue: 'in default' });
  assert.deepEqual(bodyOf({ other: '%KUMA_MESH%' }), { stringValue: '{"other":"default"}' });
});

test('a collector that is not there adds nothing', () => {
  const openTelemetry = { backendRef: { kind: 'MeshOpenTelemetryBackend', name: 'main' } };
  assert.deepEqual(sent('tcp', { backends: [{ type: 'OpenTelemetry', openTelemetry }] }), {
    loggers: [],
    clusters: [],
  });
});

test('what a service receives comes from an unknown client', () => {
  const format = plain('%KUMA_SOURCE_SERVICE% %KUMA_DESTINATION_SERVICE% %KUMA_TRAFFIC_DIRECTION%');
  assert.equal(textOf(received([{ conf: file('/log', format) }]).loggers[0]), 'unknown orders INBOUND\n');
});

test('of rules for the same clients the strongest counts', () => {
  const { loggers } = received([{ conf: file('/weak') }, { conf: file('/strong') }]);
  assert.deepEqual(
    loggers.map((logger) => configOf(logger).path),
    ['/strong'],
  );
});

test('a client is logged by the narrowest rule that selects it', () => {
  const web = { spiffeID: { type: 'Exact' as const, value: 'spiffe://default/web' } };
  const all = { spiffeID: { type: 'Prefix' as const, value: 'spiffe://default/' } };
  const { loggers } = received([
    { match: web, conf: file('/web') },
    { match: all, conf: file('/mesh') },
    { conf: file('/others') },
  ]);
  const names = 'string(filter_state["ursa.client_names"])';
  const isWeb = `${names}.contains(",spiffe://default/web,")`;
  const isMember = `${names}.contains(",spiffe://default/")`;
  assert.deepEqual(loggers.map(expressionOf), [isWeb, `${isMember} && !(${isWeb})`, `!(${isWeb}) && !(${isMember})`]);
});

test('rules by server name have the name read', () => {
  const sni = { type: 'Exact' as const, value: 'orders.example' };
  const { loggers, listener } = received([{ match: { sni }, conf: file('/log') }]);
  assert.equal(expressionOf(loggers[0]), 'connection.requested_server_name == "orders.example"');
  assert.deepEqual(
    listener.listenerFilters.map(({ name }) => name),
    ['envoy.filters.listener.tls_inspector'],
  );
});

test('traffic to unknown destinations is logged, too', () => {
  const { chain, chains, listener, extraClusters, proxy } = outboundPlace('tcp');
  hooks.passthrough?.(
    { proxy: { ...proxy, self }, family: 'ipv4', listener, chains, open: true, extraClusters },
    file('/log', plain('%KUMA_DESTINATION_SERVICE%')),
  );
  assert.equal(textOf(loggersOf(chain)[0]), 'external\n');
});

test('proxies share the clusters of destinations, and their listeners until a log names the client', () => {
  const world = createWorld();
  world.apply({ type: 'Mesh', name: 'default', meshServices: { mode: 'Exclusive' } });
  for (const name of ['web-1', 'web-2', 'api-1']) {
    const inbound = [{ port: 80, tags: { 'kuma.io/service': name.slice(0, 3) } }];
    world.apply({ type: 'Dataplane', mesh: 'default', name, networking: { address: '192.0.2.1', inbound } });
  }
  world.settle();
  const isShared = (type: 'cluster' | 'listener', prefix: string) => {
    const [first, second] = ['web-1', 'web-2'].map((name) => world.engine.config.get(world.connect('default', name)));
    const found = [...(first?.resources[type] ?? [])].filter(([name]) => name.startsWith(prefix));
    assert.notEqual(found.length, 0);
    return found.every(([name, resource]) => second?.resources[type].get(name) === resource);
  };
  assert.equal(isShared('listener', 'outbound:241'), true);
  const tcp = { address: 'logs.example:5000' };
  const to = [{ targetRef: { kind: 'Mesh' }, default: { backends: [{ type: 'Tcp', tcp }] } }];
  world.apply({ type: 'MeshAccessLog', mesh: 'default', name: 'all', spec: { to } });
  assert.equal(isShared('listener', 'outbound:241'), false);
  assert.equal(isShared('cluster', 'default_api'), true);
});

test('a collector that is a resource is found, and spoken to as it wants it', () => {
  const openTelemetry = { backendRef: { kind: 'MeshOpenTelemetryBackend', name: 'main' } };
  const { chain, ...place } = outboundPlace('http');
  const main = { name: 'main', host: 'collector.example', port: 4318, protocol: 'http', path: '/otlp' } as const;
  const facts = { ...place.proxy, self, collectorOf: () => main };
  hooks.outbound?.({ ...place, proxy: facts }, { backends: [{ type: 'OpenTelemetry', openTelemetry }] });
  const { httpService } = configOf(loggersOf(chain)[0]) as { httpService?: { httpUri?: { uri?: string } } };
  assert.equal(httpService?.httpUri?.uri, 'http://collector.example:4318/otlp/v1/logs');
  assert.deepEqual(
    place.extraClusters.map(({ message }) => message.name),
    ['meshaccesslog:opentelemetry:main'],
  );
});
