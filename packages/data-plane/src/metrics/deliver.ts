// Sends a request of OTLP to a collector, through Envoy's socket: by gRPC, or by HTTP where the collector wants it so.
import { request } from 'node:http';
import { connect, constants } from 'node:http2';
import { connect as connectSocket } from 'node:net';
import type { MetricsCollector } from './metrics-config.ts';

const within = 10_000;
const grpcPath = '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export';

/** Delivers a request. Throws with what the collector, or Envoy in its place, has to say. */
export function deliver(collector: MetricsCollector, body: Buffer): Promise<void> {
  return collector.protocol === 'grpc' ? deliverByGrpc(collector, body) : deliverByHttp(collector, body);
}

function deliverByGrpc({ socket }: MetricsCollector, body: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const session = connect('http://localhost', { createConnection: () => connectSocket(socket) });
    const end = (cause?: Error): void => {
      clearTimeout(deadline);
      session.destroy();
      if (cause === undefined) resolve();
      else reject(cause);
    };
    const deadline = setTimeout(() => end(new Error(`no answer within ${within} ms`)), within);
    session.on('error', end);
    const call = session.request({
      [constants.HTTP2_HEADER_METHOD]: 'POST',
      [constants.HTTP2_HEADER_PATH]: grpcPath,
      [constants.HTTP2_HEADER_CONTENT_TYPE]: 'application/grpc',
      [constants.HTTP2_HEADER_TE]: 'trailers',
    });
    const conclude = (headers: Readonly<Record<string, unknown>>): void => {
      const { 'grpc-status': status, 'grpc-message': message } = headers;
      if (status === undefined) return;
      end(Number(status) === 0 ? undefined : new Error(`gRPC status ${status}: ${decoded(message)}`));
    };
    call.on('response', (headers) => {
      if (headers[':status'] === 200) conclude(headers);
      else end(new Error(`it answers ${headers[':status']}`));
    });
    call.on('trailers', conclude);
    call.on('error', end);
    call.on('close', () => end(new Error('the connection was closed')));
    call.resume();
    const prefix = Buffer.alloc(5);
    prefix.writeUInt32BE(body.length, 1);
    call.end(Buffer.concat([prefix, body]));
  });
}

function decoded(message: unknown): string {
  try {
    return decodeURIComponent(String(message ?? ''));
  } catch {
    return String(message);
  }
}

function deliverByHttp({ socket: socketPath, path }: MetricsCollector, body: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { host: 'localhost', 'content-type': 'application/x-protobuf', 'content-length': body.length };
    const options = { socketPath, path: `${path}/v1/metrics`, method: 'POST', headers, agent: false } as const;
    const call = request(options, (response) => {
      response.resume();
      response.on('end', () => {
        clearTimeout(deadline);
        const { statusCode = 0 } = response;
        if (statusCode >= 200 && statusCode < 300) resolve();
        else reject(new Error(`it answers ${statusCode}`));
      });
    });
    const deadline = setTimeout(() => call.destroy(new Error(`no answer within ${within} ms`)), within);
    call.on('error', (cause) => {
      clearTimeout(deadline);
      reject(cause);
    });
    call.end(body);
  });
}
