// What stands between the network and us, fed with mutated input: it gives a value or a `MeshError`, never anything else.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, toBinary } from '@bufbuild/protobuf';
import { typeUrls } from '@ursa/envoy';
import { MeshError } from '@ursa/resources';
import {
  DeltaDiscoveryRequestSchema,
  DiscoveryRequestSchema,
} from '../../../envoy/gen/envoy/service/discovery/v3/discovery_pb.ts';
import { createFrameReader } from '../../src/delta/grpc/frames.ts';
import { parseBootstrapRequest } from '../../src/xds/bootstrap/request.ts';
import { decodeIncremental, decodeStateOfTheWorld } from '../../src/xds/decode-request.ts';
import { parseProxyNode } from '../../src/xds/proxy-node.ts';
import { framed } from './ads-client.ts';
import { mutate, randomNumbers } from './random-numbers.ts';

const node = {
  id: 'default.web',
  metadata: {
    features: ['feature-a'],
    'dataplane.admin.port': '9901',
    dynamicMetadata: { a: 'b' },
    version: { kumaDp: { version: '1' }, envoy: { version: '1.40.0' } },
    transparentProxy: { redirect: { inbound: { port: 15006 } } },
  },
  extensions: [{ name: 'envoy.filters.http.router' }],
};

/** Runs 10,000 mutations; true counts for input that was accepted. */
function fuzz(seeds: readonly Uint8Array[], run: (bytes: Uint8Array) => void): { accepted: number; refused: number } {
  const random = randomNumbers(20261123);
  const counts = { accepted: 0, refused: 0 };
  for (let round = 0; round < 10_000; round += 1) {
    const bytes = mutate(seeds[random(seeds.length)] ?? new Uint8Array(), random);
    try {
      run(bytes);
      counts.accepted += 1;
    } catch (error) {
      assert.ok(error instanceof MeshError, `not a MeshError: ${error}`);
      counts.refused += 1;
    }
  }
  return counts;
}

test('10,000 mutated incremental requests are decoded or refused, and so are their nodes', () => {
  const seeds = [
    { node, typeUrl: typeUrls.cluster },
    {
      typeUrl: typeUrls.endpoint,
      resourceNamesSubscribe: ['a'],
      resourceNamesUnsubscribe: ['b'],
      initialResourceVersions: { a: '1' },
    },
    { typeUrl: typeUrls.route, responseNonce: '4', errorDetail: { code: 3, message: 'bad' } },
  ].map((request) => toBinary(DeltaDiscoveryRequestSchema, create(DeltaDiscoveryRequestSchema, request)));
  const { accepted, refused } = fuzz(seeds, (bytes) => {
    const request = decodeIncremental(bytes);
    if (request.node !== undefined) parseProxyNode(request.node);
  });
  assert.ok(accepted > 100 && refused > 100, `${accepted} accepted, ${refused} refused`);
});

test('10,000 mutated state-of-the-world requests are decoded or refused', () => {
  const request = { node, typeUrl: typeUrls.listener, resourceNames: ['a'], versionInfo: '1', responseNonce: '2' };
  const seeds = [toBinary(DiscoveryRequestSchema, create(DiscoveryRequestSchema, request))];
  const { accepted, refused } = fuzz(seeds, decodeStateOfTheWorld);
  assert.ok(accepted > 100 && refused > 100, `${accepted} accepted, ${refused} refused`);
});

test('10,000 mutated streams of frames are cut into messages within the limit, or end the call', () => {
  const seeds = [framed(new Uint8Array(40)), Buffer.concat([framed(new Uint8Array(3)), framed(new Uint8Array(9))])];
  let ended = 0;
  fuzz(seeds, (bytes) => {
    const read = createFrameReader(64, (message) => assert.ok(message.length <= 64));
    // Byte by byte: how the network cuts a stream must not matter.
    for (let at = 0; at < bytes.length; at += 1) {
      if (read(bytes.subarray(at, at + 1)) === undefined) continue;
      ended += 1;
      break;
    }
  });
  assert.ok(ended > 100);
});

test('10,000 mutated bootstrap requests are parsed or refused', () => {
  const request = {
    mesh: 'default',
    name: 'web',
    features: ['a'],
    dnsPort: 1,
    version: { kumaDp: { version: '1' } },
    resources: { maxHeapSizeBytes: 1 },
  };
  const { accepted, refused } = fuzz([new TextEncoder().encode(JSON.stringify(request))], parseBootstrapRequest);
  assert.ok(accepted > 100 && refused > 100, `${accepted} accepted, ${refused} refused`);
});

test('a message is the same however its bytes are cut', () => {
  const bytes = Buffer.concat([framed(Buffer.from('one')), framed(Buffer.from('')), framed(Buffer.from('three'))]);
  for (const size of [1, 2, 3, 5, 7, 100]) {
    const messages: string[] = [];
    const read = createFrameReader(100, (message) => messages.push(Buffer.from(message).toString()));
    for (let at = 0; at < bytes.length; at += size) read(bytes.subarray(at, at + size));
    assert.deepEqual(messages, ['one', '', 'three'], `cut into ${size}`);
  }
});

for (const [what, body, field] of [
  ['a name with a path', { name: '../x' }, undefined],
  ['a port that is none', { dnsPort: 70_000 }, 'dnsPort'],
  ['a number where text belongs', { mesh: 7 }, 'mesh'],
  ['a list where an object belongs', { version: [] }, 'version'],
  ['features that are no list', { features: {} }, 'features'],
  [
    'a value of ten thousand levels',
    { dataplaneConfig: JSON.parse(`${'{"a":'.repeat(500)}1${'}'.repeat(500)}`) },
    'dataplaneConfig',
  ],
  ['NUL in a path', { workdir: 'a\0b' }, 'workdir'],
  ['an unknown proxy type', { proxyType: 'teapot' }, 'proxyType'],
] as const) {
  test(`a bootstrap request with ${what} is ${field === undefined ? 'parsed' : 'refused by the name of the field'}`, () => {
    const bytes = new TextEncoder().encode(JSON.stringify(body));
    if (field === undefined) parseBootstrapRequest(bytes);
    else
      assert.throws(
        () => parseBootstrapRequest(bytes),
        (error) => error instanceof MeshError && error.violations[0]?.field === field,
      );
  });
}

test('keys named like parts of JavaScript objects are only keys', () => {
  const body = '{"mesh":"m","__proto__":{"polluted":true},"dynamicMetadata":{"__proto__":"x","constructor":"y"}}';
  const request = parseBootstrapRequest(new TextEncoder().encode(body));
  assert.equal(({} as { polluted?: boolean }).polluted, undefined);
  assert.equal(request.dynamicMetadata.constructor, 'y');
});
