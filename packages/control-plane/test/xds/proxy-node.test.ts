// What a proxy says of itself when it connects.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, type JsonObject } from '@bufbuild/protobuf';
import { NodeSchema } from '@ursa/envoy/gen/envoy/config/core/v3/base_pb.ts';
import { parseProxyNode } from '../../src/xds/proxy-node.ts';

test('whether the Envoy suits its kuma-dp is kept as it was said, and left out where it was not', () => {
  const envoyOf = (envoy: { readonly [key: string]: string | boolean }) =>
    parseProxyNode(create(NodeSchema, { id: 'default.web', metadata: { version: { envoy } } })).version.envoy;
  assert.deepEqual(envoyOf({ version: '1.40.0', build: 'b', kumaDpCompatible: false }), {
    version: '1.40.0',
    build: 'b',
    kumaDpCompatible: false,
  });
  assert.deepEqual(envoyOf({ version: '1.40.0', kumaDpCompatible: 'yes' }), { version: '1.40.0', build: '' });
});

test('the machine that it is on is kept as it was said', () => {
  const machineOf = (metadata: { readonly machineId?: string | number }) =>
    parseProxyNode(create(NodeSchema, { id: 'default.web', metadata })).machineId;
  assert.deepEqual([machineOf({ machineId: 'a1' }), machineOf({ machineId: 1 }), machineOf({})], ['a1', '', '']);
});

test('variables about collectors are known by what they say, or by their names where kuma-dp keeps what they say', () => {
  const environmentOf = (otelEnvInventory: JsonObject) =>
    parseProxyNode(create(NodeSchema, { id: 'default.web', metadata: { systemCaPath: '/ca', otelEnvInventory } })).proxy
      .openTelemetry;
  const settings = {
    endpoint: { tls: true, host: 'collector.example', port: 4318, path: '/otlp' },
    ...{ protocol: 'http/protobuf', timeoutMilliseconds: 500, insecure: true, certificate: '/c' },
    ...{ clientCertificate: '/cc', clientKey: '/ck' },
  };
  const set = { endpointPresent: true, protocolPresent: true, timeoutPresent: true, certificatePresent: true };
  assert.deepEqual(environmentOf({ shared: { ...set, headersPresent: true, settings } }), {
    systemCaPath: '/ca',
    shared: {
      endpoint: settings.endpoint,
      ...{ protocol: 'http', timeout: 500, insecure: true, certificate: '/c' },
      ...{ client: { certificate: '/cc', key: '/ck' }, kept: ['headers'], wrong: [] },
    },
  });
  // As the peer's kuma-dp reports it: names only.
  const named = { pipeEnabled: true, shared: set, traces: { overrideKinds: ['endpoint'], endpointPresent: true } };
  assert.deepEqual(environmentOf({ ...named, validationErrors: ['shared.protocol', 'traces.mtls'] }), {
    systemCaPath: '/ca',
    shared: { kept: ['endpoint', 'timeout', 'certificate'], wrong: ['protocol'] },
    traces: { kept: ['endpoint'], wrong: ['clientCertificate', 'clientKey'] },
  });
  for (const nothing of [{}, { pipeEnabled: true }, { shared: {} }, { shared: { compressionPresent: true } }]) {
    assert.equal(environmentOf(nothing), undefined);
  }
});

test('an endpoint that makes no sense counts as wrong', () => {
  const endpoints = [
    { host: 'a b' },
    { host: 'c', port: 0 },
    { host: 'c', path: '/x?token=1' },
    { host: 'c', path: 'x' },
  ];
  for (const endpoint of endpoints) {
    const otelEnvInventory = { traces: { endpointPresent: true, settings: { endpoint } } };
    const node = create(NodeSchema, { id: 'default.web', metadata: { otelEnvInventory } });
    assert.deepEqual(parseProxyNode(node).proxy.openTelemetry?.traces, { kept: [], wrong: ['endpoint'] });
  }
});
