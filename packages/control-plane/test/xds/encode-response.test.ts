// Responses on the wire: what proxies share of them, and that each of them reads what it was meant to get.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fromBinary } from '@bufbuild/protobuf';
import type { EnvoyResource } from '@ursa/envoy';
import { DeltaDiscoveryResponseSchema } from '../../../envoy/gen/envoy/service/discovery/v3/discovery_pb.ts';
import type { Update } from '../../src/delta/conversation.ts';
import { encodeIncremental } from '../../src/xds/encode-response.ts';
import { edsCluster } from './hand-made-mesh.ts';

const [first, second, third] = [edsCluster('a'), edsCluster('b'), edsCluster('c')];

function updateOf(nonce: string, ...resources: readonly EnvoyResource[]): Update<EnvoyResource> {
  return { nonce, resources, removed: [], changed: resources, added: [] };
}

function read(parts: readonly Uint8Array[]): { readonly nonce: string; readonly names: readonly string[] } {
  const { nonce, resources } = fromBinary(DeltaDiscoveryResponseSchema, Buffer.concat(parts));
  return { nonce, names: resources.map(({ name }) => name) };
}

describe('proxies that are sent', () => {
  test('the same resources share all but the head', () => {
    const one = encodeIncremental('cluster', updateOf('1', first, second));
    const other = encodeIncremental('cluster', updateOf('7', first, second));
    assert.equal(one.at(-1), other.at(-1));
    assert.deepEqual(read(one), { nonce: '1', names: ['a', 'b'] });
    assert.deepEqual(read(other), { nonce: '7', names: ['a', 'b'] });
  });

  test('others get others, also where the first is the same', () => {
    encodeIncremental('cluster', updateOf('1', first, second));
    for (const resources of [[first, third], [first], [first, second, third], []] as const) {
      const parts = encodeIncremental('cluster', updateOf('2', ...resources));
      assert.deepEqual(
        read(parts).names,
        resources.map(({ name }) => name),
      );
    }
  });
});
