// One TLS port that speaks gRPC, and plain HTTP/1.1 and HTTP/2 for the few requests that are not gRPC. Every limit against a
// hostile client is here or in `call.ts`; nothing a client sends may stop the process.
import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  constants,
  createSecureServer,
  type Http2SecureServer,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { SecureVersion } from 'node:tls';
import { openAdmission } from './admission.ts';
import { type GrpcCall, type GrpcMethod, serveCall } from './call.ts';
import { exchangeHttp1, exchangeHttp2, type HttpHandler, type Serving } from './http-exchange.ts';
import { openKeepAlive } from './keep-alive.ts';
import { grpcStatus, statusTrailers } from './status.ts';
import { openStrangers } from './strangers.ts';

/** What a port serves and how. */
export interface GrpcServerOptions {
  /** Default: all addresses of the machine. */
  readonly host: string | undefined;
  /** 0 picks a free port. */
  readonly port: number;
  /** Whether other processes listen on the same port (SO_REUSEPORT). */
  readonly shared?: boolean;
  readonly tls: GrpcServerTls;
  /** By path: `/<service>/<method>`. */
  readonly methods: ReadonlyMap<string, GrpcMethod>;
  /** Answers everything that is not gRPC. */
  readonly onRequest: HttpHandler;
  /** Gets what a handler throws: a bug. The call or request it happened in is answered, everything else goes on. */
  readonly onBug: (error: unknown) => void;
  /** How long a client may take to send its request's headers. */
  readonly headersTimeoutMilliseconds: number;
  /** Connections at most without a call whose client has proven who it is; asked whenever one comes. */
  readonly unprovenConnections: () => number;
  /** How long calls may take to end when the server stops. */
  readonly stopTimeoutMilliseconds: number;
}

/** How the port proves itself. */
export interface GrpcServerTls {
  /** PEM; the certificate with its chain. */
  readonly certificate: string;
  readonly key: string;
  readonly minVersion?: SecureVersion;
  readonly maxVersion?: SecureVersion;
  /** OpenSSL names joined by ':'. */
  readonly ciphers?: string;
}

/** A listening port. */
export interface GrpcServer {
  readonly port: number;
  /** Shows another certificate to whoever connects from now on. */
  renew(tls: GrpcServerTls): void;
  /** Refuses new connections, ends all calls, then cuts what is left. */
  stop(): Promise<void>;
}

const mebibyte = 1024 * 1024;
/** The largest message of a call, in bytes: the usual limit of gRPC. */
const messageLimit = 4 * mebibyte;
const bodyLimit = mebibyte;
const streamsPerConnection = 32;
// A stream the client gives up costs us work. The first hundred of a connection are forgiven, then it is cut (CVE-2023-44487).
const resetsPerConnection = 100;
// A connection without any call is of no use to us.
const idleMilliseconds = 60_000;

// When a thousand proxies come at once, their handshakes wait for us, not we for them: whoever is cut off then comes again, and makes it worse.
const handshakeMilliseconds = 30_000;

/** Opens the port; resolves when it listens. Rejects when it cannot (port taken, bad certificate). */
export async function openGrpcServer(options: GrpcServerOptions): Promise<GrpcServer> {
  const server = createSecureServer({
    ...secureContext(options.tls),
    allowHTTP1: true,
    handshakeTimeout: handshakeMilliseconds,
    maxSessionInvalidFrames: 10,
    maxSessionRejectedStreams: 10,
    maxSessionMemory: 32,
    settings: {
      maxConcurrentStreams: streamsPerConnection,
      maxHeaderListSize: 64 * 1024,
      initialWindowSize: mebibyte,
      enablePush: false,
    },
  });
  const keepAlive = await openKeepAlive();
  const calls = new Set<GrpcCall>();
  const strangers = openStrangers(options.unprovenConnections, handshakeMilliseconds);
  const connections = new Set<Socket>();
  const sessions = new Set<ServerHttp2Session>();

  const serving: Serving = { handler: options.onRequest, bodyLimit, onBug: options.onBug };
  listenToHttp1(server, options, serving);
  server.on('stream', (stream: ServerHttp2Stream, headers) => {
    if (!String(headers['content-type'] ?? '').startsWith('application/grpc')) {
      void exchangeHttp2(stream, headers, serving);
      return;
    }
    const path = String(headers[':path'] ?? '');
    const method = options.methods.get(path);
    if (method === undefined || headers[':method'] !== 'POST') {
      stream.on('error', () => stream.destroy());
      const outcome = { code: grpcStatus.unimplemented, message: `unknown method ${path.slice(0, 200)}` };
      stream.respond(
        { ':status': 200, 'content-type': 'application/grpc', ...statusTrailers(outcome) },
        { endStream: true },
      );
      return;
    }
    const call = serveCall(stream, headers, method, messageLimit, options.onBug, () => strangers.proven(stream));
    calls.add(call);
    stream.once('close', () => calls.delete(call));
  });
  server.on('session', (session) => {
    sessions.add(session);
    let open = 0;
    let resets = 0;
    // Not the session's own timer: Node does not stop it when the session ends, and it holds the session until then.
    let idle: NodeJS.Timeout | undefined;
    const isIdle = (): void => {
      idle = setTimeout(() => session.close(), idleMilliseconds).unref();
    };
    isIdle();
    session.on('stream', (stream) => {
      open += 1;
      clearTimeout(idle);
      stream.once('close', () => {
        open -= 1;
        if (open === 0 && !session.destroyed) isIdle();
        if (stream.rstCode === constants.NGHTTP2_NO_ERROR) return;
        resets += 1;
        if (resets > resetsPerConnection) session.destroy();
      });
    });
    session.on('error', () => session.destroy());
    session.once('close', () => {
      clearTimeout(idle);
      sessions.delete(session);
    });
  });
  const admission = openAdmission((socket) => {
    connections.add(socket);
    strangers.enter(socket);
    socket.setNoDelay(true);
    keepAlive(socket);
    socket.once('close', () => connections.delete(socket));
    server.emit('connection', socket);
  });
  const port = createServer({ pauseOnConnect: true }, admission.enter);
  server.on('secureConnection', (socket) => socket.on('error', () => socket.destroy()));
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  server.on('sessionError', (_error, session) => session.destroy());
  server.on('unknownProtocol', (socket) => socket.destroy());
  await listen(port, options);
  return {
    port: (port.address() as AddressInfo).port,
    renew: (tls) => server.setSecureContext(secureContext(tls)),
    stop() {
      admission.stop();
      return stop(port, options.stopTimeoutMilliseconds, { calls, sessions, connections });
    },
  };
}

function secureContext({ certificate: cert, key, minVersion, maxVersion, ciphers }: GrpcServerTls) {
  return {
    cert,
    key,
    ...(minVersion === undefined ? {} : { minVersion }),
    ...(maxVersion === undefined ? {} : { maxVersion }),
    ...(ciphers === undefined ? {} : { ciphers }),
  };
}

function listenToHttp1(server: Http2SecureServer, options: GrpcServerOptions, serving: Serving): void {
  server.on('request', (request: unknown, response: unknown) => {
    void exchangeHttp1(request as IncomingMessage, response as ServerResponse, serving);
  });
  // Listening to 'request' makes Node wrap every HTTP/2 stream as well; those are ours, through 'stream'.
  server.removeAllListeners('stream');
  server.on('clientError', (_error: Error, socket: Socket) => socket.destroy());
  Object.assign(server, {
    headersTimeout: options.headersTimeoutMilliseconds,
    requestTimeout: 2 * options.headersTimeoutMilliseconds,
  });
}

// How many connections the kernel holds for a process that is busy; the executables' runtime makes it 512.
const backlog = 4096;

function listen(server: Server, options: GrpcServerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    const { port, host, shared = false } = options;
    server.listen({ port, backlog, reusePort: shared, ...(host === undefined ? {} : { host }) }, () => {
      server.off('error', reject);
      server.on('error', () => undefined);
      resolve();
    });
  });
}

async function stop(
  port: Server,
  timeout: number,
  open: {
    readonly calls: Set<GrpcCall>;
    readonly sessions: Set<ServerHttp2Session>;
    readonly connections: Set<Socket>;
  },
): Promise<void> {
  const closed = new Promise<void>((resolve) => port.close(() => resolve()));
  for (const call of open.calls) call.end({ code: grpcStatus.unavailable, message: 'the control plane is stopping' });
  for (const session of open.sessions) session.close();
  const cut = setTimeout(() => {
    for (const session of open.sessions) session.destroy();
    for (const socket of open.connections) socket.destroy();
  }, timeout);
  await closed;
  clearTimeout(cut);
}
