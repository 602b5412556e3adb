// An agent on the proxies' host that hands out certificates and bundles by Envoy's secret discovery on a Unix socket, as a SPIRE agent does: it
// stands in for one in these stories, since no SPIRE is installed where they run.
import { createServer, type ServerHttp2Stream } from 'node:http2';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { anyPack } from '@bufbuild/protobuf/wkt';
import { createBuiltinAuthority } from '../../packages/control-plane/src/identity/authorities/builtin-authority.ts';
import { openLocalAuthority } from '../../packages/control-plane/src/identity/authorities/local-authority.ts';
import { SecretSchema } from '../../packages/envoy/gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.ts';
import {
  DiscoveryRequestSchema,
  DiscoveryResponseSchema,
} from '../../packages/envoy/gen/envoy/service/discovery/v3/discovery_pb.ts';
import { identitySecret, trustDomainsSecret } from '../../packages/envoy/src/index.ts';

/** The agent. */
export interface SdsAgent {
  readonly socketPath: string;
  /** Names that were asked for. */
  readonly asked: ReadonlySet<string>;
  /** Issues every certificate anew and pushes it. */
  rotate(): Promise<void>;
  close(): Promise<void>;
}

const typeUrl = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret';
const hour = 3600 * 1000;

/** Starts the agent of a trust domain at a socket. It gives certificates for whatever SPIFFE ID of the domain is asked. */
export async function openSdsAgent(socketPath: string, trustDomain: string): Promise<SdsAgent> {
  const pair = await createBuiltinAuthority(trustDomain, undefined, Date.now());
  const authority = openLocalAuthority(pair);
  const asked = new Set<string>();
  const streams = new Map<ServerHttp2Stream, Set<string>>();
  let version = 0;
  const secretOf = async (name: string) => {
    if (name === 'ALL' || name === 'ROOTCA')
      return trustDomainsSecret(name, [{ name: trustDomain, certificates: pair.certificate }]);
    const names = { uris: [name] };
    const usages = ['serverAuth', 'clientAuth'] as const;
    const request = { names, usages, lifetime: hour, issuedAt: Date.now() };
    const leaf = await authority.issue(request, AbortSignal.timeout(10_000));
    return identitySecret(name, leaf.certificate, leaf.privateKey);
  };
  const push = async (stream: ServerHttp2Stream, names: Iterable<string>): Promise<void> => {
    const secrets = await Promise.all([...names].map(secretOf));
    version += 1;
    const response = create(DiscoveryResponseSchema, {
      ...{ versionInfo: String(version), nonce: String(version), typeUrl },
      resources: secrets.map((secret) => anyPack(SecretSchema, secret)),
    });
    if (!stream.closed) stream.write(frame(toBinary(DiscoveryResponseSchema, response)));
  };
  const server = createServer();
  server.on('stream', (stream, headers) => {
    stream.on('error', () => streams.delete(stream));
    if (headers[':path'] !== '/envoy.service.secret.v3.SecretDiscoveryService/StreamSecrets') {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '12' }, { endStream: true });
      return;
    }
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
    streams.set(stream, new Set());
    stream.on('close', () => streams.delete(stream));
    let received = Buffer.alloc(0);
    stream.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      for (;;) {
        const length = received.length < 5 ? Number.POSITIVE_INFINITY : received.readUInt32BE(1);
        if (received.length < 5 + length) break;
        const request = fromBinary(DiscoveryRequestSchema, received.subarray(5, 5 + length));
        received = received.subarray(5 + length);
        // An answer to what was sent before asks for nothing new.
        const known = streams.get(stream) ?? new Set<string>();
        const fresh = request.resourceNames.filter((name) => !known.has(name));
        for (const name of fresh) {
          known.add(name);
          asked.add(name);
        }
        if (fresh.length > 0) void push(stream, known);
      }
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(socketPath, resolve);
  });
  return {
    socketPath,
    asked,
    async rotate() {
      await Promise.all([...streams].map(([stream, names]) => push(stream, names)));
    },
    close: () =>
      new Promise((resolve) => {
        for (const stream of streams.keys()) stream.destroy();
        server.close(() => resolve());
        setTimeout(resolve, 500).unref();
      }),
  };
}

/** A message with gRPC's prefix: not compressed, and its length. */
function frame(message: Uint8Array): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}
