// Sends a request of OTLP to a collector: by gRPC, or by HTTP where the collector wants it so; over a Unix socket or TCP, with TLS or without.
import { type ClientRequest, type RequestOptions, request } from 'node:http';
import { connect, constants } from 'node:http2';
import { request as requestTls } from 'node:https';
import { connect as connectSocket } from 'node:net';

/** Where a collector is, and how it is spoken to. */
export interface Collector {
  /** A Unix socket, or an origin such as `http://collector:4317`. */
  readonly at: { readonly socket: string } | { readonly origin: string; readonly certificate?: string };
  readonly protocol: 'grpc' | 'http';
  /** What stands before the paths of OTLP; only for HTTP. */
  readonly path: string;
  /** Sent along, such as a token. Names in lower case. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Longest wait for an answer, milliseconds. Default: 10 s. */
  readonly timeout?: number;
}

/** What a request is about. */
export type Signal = 'metrics' | 'traces';

const services: Readonly<Record<Signal, string>> = {
  metrics: '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export',
  traces: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
};

/** Delivers a request. Throws with what the collector, or a proxy in its place, has to say. */
export function deliver(collector: Collector, signal: Signal, body: Buffer): Promise<void> {
  return collector.protocol === 'grpc'
    ? deliverByGrpc(collector, services[signal], body)
    : deliverByHttp(collector, `${collector.path}/v1/${signal}`, body);
}

const within = ({ timeout = 10_000 }: Collector): number => timeout;

function openSession({ at }: Collector) {
  if ('socket' in at) return connect('http://localhost', { createConnection: () => connectSocket(at.socket) });
  return connect(at.origin, at.certificate === undefined ? {} : { ca: at.certificate });
}

function deliverByGrpc(collector: Collector, path: string, body: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const session = openSession(collector);
    const end = (cause?: Error): void => {
      clearTimeout(deadline);
      session.destroy();
      if (cause === undefined) resolve();
      else reject(cause);
    };
    const deadline = setTimeout(
      () => end(new Error(`no answer within ${within(collector)} ms`)),
      within(collector),
    ).unref();
    session.on('error', end);
    const call = session.request({
      ...collector.headers,
      [constants.HTTP2_HEADER_METHOD]: 'POST',
      [constants.HTTP2_HEADER_PATH]: path,
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

function deliverByHttp(collector: Collector, path: string, body: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = {
      ...collector.headers,
      ...('socket' in collector.at ? { host: 'localhost' } : {}),
      'content-type': 'application/x-protobuf',
      'content-length': body.length,
    };
    const call = openRequest(collector, { path, method: 'POST', headers, agent: false });
    call.on('response', (response) => {
      response.resume();
      response.on('end', () => {
        clearTimeout(deadline);
        const { statusCode = 0 } = response;
        if (statusCode >= 200 && statusCode < 300) resolve();
        else reject(new Error(`it answers ${statusCode}`));
      });
    });
    const deadline = setTimeout(
      () => call.destroy(new Error(`no answer within ${within(collector)} ms`)),
      within(collector),
    ).unref();
    call.on('error', (cause) => {
      clearTimeout(deadline);
      reject(cause);
    });
    call.end(body);
  });
}

function openRequest({ at }: Collector, options: RequestOptions): ClientRequest {
  if ('socket' in at) return request({ ...options, socketPath: at.socket });
  const { protocol, hostname, port } = new URL(at.origin);
  const target = { ...options, hostname: hostname.replace(/^\[|\]$/g, ''), port };
  if (protocol !== 'https:') return request(target);
  return requestTls(at.certificate === undefined ? target : { ...target, ca: at.certificate });
}
