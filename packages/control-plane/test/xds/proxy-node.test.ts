// What a proxy says of itself when it connects.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
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
