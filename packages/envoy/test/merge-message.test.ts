import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, fromJson, type JsonValue, toJson } from '@bufbuild/protobuf';
import { anyPack } from '@bufbuild/protobuf/wkt';
import { ClusterSchema } from '../gen/envoy/config/cluster/v3/cluster_pb.ts';
import { ListenerSchema } from '../gen/envoy/config/listener/v3/listener_pb.ts';
import { RouterSchema } from '../gen/envoy/extensions/filters/http/router/v3/router_pb.ts';
import { TcpProxySchema } from '../gen/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.ts';
import { mergeAny, mergeMessage, registry, typeOfAny } from '../src/index.ts';

function merged(target: JsonValue, patch: JsonValue): JsonValue {
  const message = fromJson(ClusterSchema, target, { registry });
  mergeMessage(ClusterSchema, message, fromJson(ClusterSchema, patch, { registry }));
  return toJson(ClusterSchema, message, { registry });
}

test('what the patch sets wins, lists grow, messages merge in turn', () => {
  const target = {
    name: 'a',
    circuitBreakers: { perHostThresholds: [{ maxRetries: 1 }] },
    outlierDetection: { consecutive5xx: 3 },
  };
  const patch = {
    name: 'b',
    circuitBreakers: { perHostThresholds: [{ maxRetries: 2 }] },
    outlierDetection: { interval: '3s' },
  };
  assert.deepEqual(merged(target, patch), {
    name: 'b',
    circuitBreakers: { perHostThresholds: [{ maxRetries: 1 }, { maxRetries: 2 }] },
    outlierDetection: { consecutive5xx: 3, interval: '3s' },
  });
});

test('limits of a cluster are merged with those of the same priority: Envoy looks at no second ones', () => {
  const limits = (...thresholds: JsonValue[]) => ({ circuitBreakers: { thresholds } });
  const high = { priority: 'HIGH', maxConnections: 3 };
  assert.deepEqual(
    merged(limits({ trackRemaining: true, maxRetries: 1 }), limits({ maxConnections: 2, maxRetries: 0 }, high)),
    limits({ trackRemaining: true, maxConnections: 2, maxRetries: 0 }, high),
  );
});

test('durations and wrapped values are replaced as a whole', () => {
  assert.deepEqual(merged({ connectTimeout: '1.500s' }, { connectTimeout: '2s' }), { connectTimeout: '2s' });
  const tracked = (trackRemaining: boolean) => ({ circuitBreakers: { thresholds: [{ trackRemaining }] } });
  assert.deepEqual(merged({ type: 'STATIC' }, tracked(true)), { type: 'STATIC', ...tracked(true) });
  assert.deepEqual(merged({ perConnectionBufferLimitBytes: 5 }, { perConnectionBufferLimitBytes: 0 }), {
    perConnectionBufferLimitBytes: 0,
  });
});

test('one choice takes the place of another', () => {
  assert.deepEqual(merged({ type: 'STATIC' }, { clusterType: { name: 'x' } }), { clusterType: { name: 'x' } });
});

test('metadata gets the entries of both', () => {
  const metadata = (filterMetadata: JsonValue) => ({ metadata: { filterMetadata } });
  assert.deepEqual(
    merged(metadata({ a: { x: 1 } }), metadata({ b: { y: 2 } })),
    metadata({ a: { x: 1 }, b: { y: 2 } }),
  );
});

test('the patch stays as it is', () => {
  const patch = create(ListenerSchema, { filterChains: [{ name: 'one' }] });
  const target = create(ListenerSchema, {});
  mergeMessage(ListenerSchema, target, patch);
  mergeMessage(ListenerSchema, target, patch);
  assert.equal(target.filterChains.length, 2);
  for (const chain of target.filterChains) chain.name = 'changed';
  assert.deepEqual(
    patch.filterChains.map(({ name }) => name),
    ['one'],
  );
});

test('packed messages merge when they are of one type', () => {
  const proxy = (fields: JsonValue) => anyPack(TcpProxySchema, fromJson(TcpProxySchema, fields));
  const both = mergeAny(proxy({ statPrefix: 'a', cluster: 'c' }), proxy({ maxConnectAttempts: 3 }));
  assert.deepEqual(both, proxy({ statPrefix: 'a', cluster: 'c', maxConnectAttempts: 3 }));
  const router = anyPack(RouterSchema, create(RouterSchema));
  assert.throws(() => mergeAny(router, proxy({})), /has the configuration .*Router, the patch .*TcpProxy/);
  assert.throws(() => typeOfAny({ ...router, typeUrl: 'type.googleapis.com/a.B' }), /not a type of Envoy's API/);
});

test('types that no code of ours names are known', () => {
  const typeName = 'envoy.extensions.filters.http.ext_authz.v3.ExtAuthz';
  assert.equal(registry.getMessage(typeName)?.typeName, typeName);
  assert.equal(registry.getMessage(typeName), registry.getMessage(typeName));
  assert.equal(registry.getMessage('envoy.extensions.filters.http.ext_authz.v3.NoSuch'), undefined);
  assert.equal(registry.getMessage('no.such.Type'), undefined);
});
