import assert from 'node:assert/strict';
import { test } from 'node:test';
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import { meshClientTls, meshServerTls, unverifiedTls } from '@ursa/envoy';
import type { TransportSocket } from '@ursa/envoy/gen/envoy/config/core/v3/base_pb.ts';
import { TlsParameters_TlsProtocol as Protocol } from '@ursa/envoy/gen/envoy/extensions/transport_sockets/tls/v3/common_pb.ts';
import {
  DownstreamTlsContextSchema,
  UpstreamTlsContextSchema,
} from '@ursa/envoy/gen/envoy/extensions/transport_sockets/tls/v3/tls_pb.ts';
import { meshTls } from '../src/mesh-tls/mesh-tls.ts';
import { clusterDraft, inboundPlace, outboundPlace } from './drafts.ts';

const secrets = { identity: 'identity', trust: 'trust' };

function limitsOf(
  socket: TransportSocket | undefined,
  schema: typeof DownstreamTlsContextSchema | typeof UpstreamTlsContextSchema,
) {
  const packed = socket?.configType.case === 'typedConfig' ? socket.configType.value : undefined;
  const context = packed && anyUnpack(packed, schema);
  assert.ok(context);
  const { tlsParams } = context.commonTlsContext ?? {};
  return (
    tlsParams && [tlsParams.tlsMinimumProtocolVersion, tlsParams.tlsMaximumProtocolVersion, ...tlsParams.cipherSuites]
  );
}

function inbound(conf: object) {
  const { chain, ...place } = inboundPlace('http');
  chain.message.transportSocket = meshServerTls({ trustDomains: ['default'], secrets });
  meshTls.hooks.inbound?.(place, conf);
  return limitsOf(chain.message.transportSocket, DownstreamTlsContextSchema);
}

function caller(conf: object, socket: TransportSocket | undefined) {
  const { proxy } = outboundPlace('http');
  const cluster = clusterDraft();
  if (socket !== undefined) cluster.message.transportSocket = socket;
  meshTls.hooks.caller?.({ proxy, protocol: 'http', cluster }, conf);
  return cluster.message.transportSocket;
}

test('both ends are held to the same versions and ciphers', () => {
  const ciphers = ['ECDHE-RSA-AES128-GCM-SHA256'];
  const conf = { tlsVersion: { min: 'TLS12', max: 'TLS13' }, tlsCiphers: ciphers };
  const expected = [Protocol.TLSv1_2, Protocol.TLSv1_3, ...ciphers];
  assert.deepEqual(inbound(conf), expected);
  const socket = caller(conf, meshClientTls({ trustDomains: ['default'], secrets }, [], 'api'));
  assert.deepEqual(limitsOf(socket, UpstreamTlsContextSchema), expected);
});

test('each version has its own name', () => {
  const versions = (['TLSAuto', 'TLS10', 'TLS11', 'TLS12', 'TLS13'] as const).map(
    (min) => inbound({ tlsVersion: { min } })?.[0],
  );
  assert.deepEqual(versions, [
    Protocol.TLS_AUTO,
    Protocol.TLSv1_0,
    Protocol.TLSv1_1,
    Protocol.TLSv1_2,
    Protocol.TLSv1_3,
  ]);
});

test('a minimum of TLS 1.3 alone leaves clients a version to speak', () => {
  const socket = caller(
    { tlsVersion: { min: 'TLS13' } },
    meshClientTls({ trustDomains: ['default'], secrets }, [], 'api'),
  );
  assert.deepEqual(limitsOf(socket, UpstreamTlsContextSchema), [Protocol.TLSv1_3, Protocol.TLSv1_3]);
});

test('a conf that is only about the mode limits nothing', () => {
  assert.equal(inbound({ mode: 'Strict' }), undefined);
});

test('a cluster without TLS gets none, and TLS to the world outside keeps what it has', () => {
  const conf = { tlsVersion: { min: 'TLS13' } };
  assert.equal(caller(conf, undefined), undefined);
  const socket = unverifiedTls('example.com');
  caller({ mode: 'Strict' }, socket);
  assert.equal(limitsOf(socket, UpstreamTlsContextSchema), undefined);
});

test('an inbound is strict or permissive as the conf says, else as its mesh', () => {
  const modes = [{ mode: 'Strict' }, { mode: 'Permissive' }, {}].map((conf) => meshTls.hooks.mode?.(conf));
  assert.deepEqual(modes, ['Strict', 'Permissive', undefined]);
});
