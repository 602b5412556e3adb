// A client of the xDS server for tests: one HTTP/2 connection, streams on it, and messages built by hand so that they can also be wrong.
import { once } from 'node:events';
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2';
import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import {
  DeltaDiscoveryRequestSchema,
  type DeltaDiscoveryResponse,
  DeltaDiscoveryResponseSchema,
  DiscoveryRequestSchema,
  type DiscoveryResponse,
  DiscoveryResponseSchema,
} from '../../../envoy/gen/envoy/service/discovery/v3/discovery_pb.ts';
import {
  type HealthCheckSpecifier,
  HealthCheckSpecifierSchema,
  HealthCheckRequestOrEndpointHealthResponseSchema as HealthMessageSchema,
} from '../../../envoy/gen/envoy/service/health/v3/hds_pb.ts';

const service = '/envoy.service.discovery.v3.AggregatedDiscoveryService/';
const healthService = '/envoy.service.health.v3.HealthDiscoveryService/';

/** A stream, seen by its client. */
export interface TestStream<Request, Response> {
  readonly raw: ClientHttp2Stream;
  send(request: Request): void;
  /** Sends bytes as they are, without a frame around them. */
  sendBytes(bytes: Uint8Array): void;
  /** The next response; rejects when the stream ends first or nothing comes for long. */
  next(): Promise<Response>;
  /** Responses that have come and were not taken. */
  pending(): number;
  /** Status and message once the server has ended the stream. */
  ended(): Promise<{ readonly code: number; readonly message: string }>;
  cancel(): void;
}

export type DeltaRequest = MessageInitShape<typeof DeltaDiscoveryRequestSchema>;
export type StateRequest = MessageInitShape<typeof DiscoveryRequestSchema>;
export type HealthMessage = MessageInitShape<typeof HealthMessageSchema>;

export interface TestConnection {
  readonly session: ClientHttp2Session;
  delta(token?: string): TestStream<DeltaRequest, DeltaDiscoveryResponse>;
  state(token?: string): TestStream<StateRequest, DiscoveryResponse>;
  health(token?: string): TestStream<HealthMessage, HealthCheckSpecifier>;
  post(
    path: string,
    body: string | Uint8Array,
    headers?: Record<string, string>,
  ): Promise<{ status: number; body: string }>;
  close(): void;
}

/** Connects to the server on loopback. */
export async function connectTo(
  port: number,
  settings: { readonly initialWindowSize?: number } = {},
): Promise<TestConnection> {
  const session = connect(`https://127.0.0.1:${port}`, { rejectUnauthorized: false, settings });
  session.on('error', () => undefined);
  await once(session, 'connect');
  return {
    session,
    delta: (token) =>
      openStream(
        session,
        `${service}DeltaAggregatedResources`,
        token,
        (request: DeltaRequest) => toBinary(DeltaDiscoveryRequestSchema, create(DeltaDiscoveryRequestSchema, request)),
        (bytes) => fromBinary(DeltaDiscoveryResponseSchema, bytes),
      ),
    state: (token) =>
      openStream(
        session,
        `${service}StreamAggregatedResources`,
        token,
        (request: StateRequest) => toBinary(DiscoveryRequestSchema, create(DiscoveryRequestSchema, request)),
        (bytes) => fromBinary(DiscoveryResponseSchema, bytes),
      ),
    health: (token) =>
      openStream(
        session,
        `${healthService}StreamHealthCheck`,
        token,
        (message: HealthMessage) => toBinary(HealthMessageSchema, create(HealthMessageSchema, message)),
        (bytes) => fromBinary(HealthCheckSpecifierSchema, bytes),
      ),
    async post(path, body, headers = {}) {
      const stream = session.request({
        ':method': 'POST',
        ':path': path,
        'content-type': 'application/json',
        ...headers,
      });
      stream.on('error', () => undefined);
      stream.end(body);
      let text = '';
      stream.on('data', (chunk) => {
        text += chunk;
      });
      const [response] = await once(stream, 'response');
      await once(stream, 'end');
      return { status: Number(response[':status']), body: text };
    },
    close: () => session.destroy(),
  };
}

/** A message with the gRPC frame around it. */
export function framed(message: Uint8Array): Buffer {
  const frame = Buffer.alloc(5 + message.length);
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, 5);
  return frame;
}

function openStream<Request, Response>(
  session: ClientHttp2Session,
  path: string,
  token: string | undefined,
  encode: (request: Request) => Uint8Array,
  decode: (bytes: Uint8Array) => Response,
): TestStream<Request, Response> {
  const raw = session.request({
    ':method': 'POST',
    ':path': path,
    'content-type': 'application/grpc',
    te: 'trailers',
    ...(token === undefined ? {} : { authorization: token }),
  });
  raw.on('error', () => undefined);
  const responses: Response[] = [];
  const takers: ((response: Response) => void)[] = [];
  let rest = Buffer.alloc(0);
  let outcome = { code: -1, message: 'the connection was cut' };
  raw.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= 5 && rest.length >= 5 + rest.readUInt32BE(1)) {
      const end = 5 + rest.readUInt32BE(1);
      const response = decode(rest.subarray(5, end));
      rest = rest.subarray(end);
      const taker = takers.shift();
      if (taker === undefined) responses.push(response);
      else taker(response);
    }
  });
  const take = (headers: Record<string, unknown>): void => {
    if (headers['grpc-status'] === undefined) return;
    outcome = {
      code: Number(headers['grpc-status']),
      message: decodeURIComponent(String(headers['grpc-message'] ?? '')),
    };
  };
  raw.on('response', take);
  raw.on('trailers', take);
  const closed = new Promise<typeof outcome>((resolve) => raw.once('close', () => resolve(outcome)));
  return {
    raw,
    send: (request) => void raw.write(framed(encode(request))),
    sendBytes: (bytes) => void raw.write(bytes),
    next() {
      const ready = responses.shift();
      if (ready !== undefined) return Promise.resolve(ready);
      return new Promise((resolve, reject) => {
        const taker = (response: Response): void => {
          clearTimeout(timer);
          resolve(response);
        };
        const timer = setTimeout(() => {
          // What comes later is for whoever asks then.
          takers.splice(takers.indexOf(taker), 1);
          reject(new Error('no response within 20 seconds'));
        }, 20_000);
        takers.push(taker);
        void closed.then(({ code, message }) => reject(new Error(`the stream ended: ${code} ${message}`)));
      });
    },
    pending: () => responses.length,
    ended: () => closed,
    cancel: () => raw.close(8),
  };
}
