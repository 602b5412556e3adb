// A gRPC service without messages: it ends every call with the status that the call's metadata `x-status` names. And a client for it.
import { connect, createSecureServer, createServer, type ServerHttp2Session } from 'node:http2';
import type { RunningService } from '../../examples/service.ts';
import type { Pair } from './tls-server.ts';

/** The service and what it has seen. */
export interface GrpcService extends RunningService {
  /** Calls so far; those of health checks count apart. */
  calls(): number;
  /** Whether it says of itself that it serves (grpc.health.v1). */
  setServing(serving: boolean): void;
}

const grpc = { ':status': 200, 'content-type': 'application/grpc' };

/** Starts the service on a free port of the loopback; with a certificate, in TLS, where HTTP/2 has to be agreed on (ALPN). */
export async function openGrpcService(pair?: Pair): Promise<GrpcService> {
  let calls = 0;
  let serving = true;
  const sessions = new Set<ServerHttp2Session>();
  const server = pair === undefined ? createServer() : createSecureServer({ cert: pair.certificate, key: pair.key });
  server.on('stream', (stream, headers) => {
    if (headers[':path'] === '/grpc.health.v1.Health/Check') {
      stream.respond(grpc, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      // HealthCheckResponse: field 1 is 1 for SERVING, 2 for NOT_SERVING; five bytes of framing before it.
      stream.end(Buffer.from([0, 0, 0, 0, 2, 8, serving ? 1 : 2]));
      return;
    }
    calls += 1;
    stream.respond({ ...grpc, 'grpc-status': String(headers['x-status'] ?? '0') }, { endStream: true });
  });
  server.on('session', (session) => {
    sessions.add(session);
    session.on('close', () => sessions.delete(session));
    session.on('error', () => session.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    calls: () => calls,
    setServing: (value) => {
      serving = value;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const session of sessions) session.destroy();
      }),
  };
}

/** The status that a call ends with when it asks the service for one. */
export async function grpcStatusOf(url: string, asked: string): Promise<string> {
  const session = connect(url);
  try {
    return await new Promise((resolve, reject) => {
      session.on('error', reject);
      const call = session.request({
        ':method': 'POST',
        ':path': '/some.Service/Call',
        'content-type': 'application/grpc',
        te: 'trailers',
        'x-status': asked,
      });
      call.on('response', (headers) => resolve(String(headers['grpc-status'] ?? headers[':status'])));
      call.on('error', reject);
      call.end(Buffer.from([0, 0, 0, 0, 0]));
      call.resume();
    });
  } finally {
    session.destroy();
  }
}
