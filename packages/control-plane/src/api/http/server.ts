// Opens the ports of the API: HTTP and HTTPS over one app, with the time limits of the settings, and a stop that lets running requests end.
import { createServer, type RequestListener, type Server } from 'node:http';
import { type AddressInfo, createServer as createPort, type Server as NetServer } from 'node:net';
import type { TlsOptions } from 'node:tls';
import { MeshError } from '@ursa/resources';
import type { Settings } from '../../config/settings.ts';
import { openConnectionLimit } from '../../connection-limit.ts';
import { type Connections, watchConnections } from '../../http-ports/connections.ts';
import { openSecuredPort } from '../../http-ports/secured-port.ts';
import { timeSlowClients } from '../../http-ports/slow-clients.ts';

type ApiServer = Settings['apiServer'];

/** A server that listens. */
export interface OpenServer {
  /** The port really bound, which differs from the setting when that is 0. */
  readonly port: number;
  /** Shows another certificate to whoever connects from now on; of a server without TLS it does nothing. */
  renew(tls: TlsOptions): void;
  /** Closes connections of clients that have shown a certificate, running requests within `graceMilliseconds`. */
  closeProven(graceMilliseconds: number): void;
  /** Stops accepting, waits for running requests (at most `graceMilliseconds`), then closes what is left. */
  close(graceMilliseconds: number): Promise<void>;
}

// The server's own look for slow clients would wake an idle process again and again: they are timed one by one (`http-ports/slow-clients.ts`).
const neverLooked = 2 ** 31 - 1;

/** Opens an HTTP server; `shared`: other processes listen on the same port. Errors: `MeshError('unavailable')` that names the address and the settings to change. */
export function openHttpServer(settings: ApiServer, handle: RequestListener, shared = false): Promise<OpenServer> {
  const server = createServer(limits(settings), handle);
  // Not every runtime lets an HTTP server share its port itself.
  const port = shared ? createPort((socket) => void server.emit('connection', socket)) : server;
  return open(server, { port, shared, renew: () => undefined }, settings, 'http');
}

/** Opens an HTTPS server; `tls` holds certificate, key and what is wanted of clients. Errors as of `openHttpServer`. */
export function openHttpsServer(
  settings: ApiServer,
  tls: TlsOptions,
  handle: RequestListener,
  shared = false,
): Promise<OpenServer> {
  const server = createServer(limits(settings), handle);
  const port = openSecuredPort(server, tls);
  return open(server, { port, shared, renew: (next) => port.setSecureContext(next) }, settings, 'https');
}

function limits(settings: ApiServer) {
  return {
    headersTimeout: settings.readHeaderTimeout,
    requestTimeout: settings.readTimeout,
    keepAliveTimeout: settings.idleTimeout,
    connectionsCheckingInterval: neverLooked,
    maxHeaderSize: 32 * 1024,
  };
}

/** Where connections come in. */
interface Entrance {
  /** The HTTP server itself, or what hands connections to it. */
  readonly port: NetServer;
  readonly shared: boolean;
  readonly renew: OpenServer['renew'];
}

function open(
  server: Server,
  { port, shared, renew }: Entrance,
  settings: ApiServer,
  section: 'http' | 'https',
): Promise<OpenServer> {
  const listener = settings[section];
  // A client that stops reading, or sends nothing after connecting, holds its socket no longer than this.
  server.setTimeout(settings.writeTimeout);
  limitConnections(server, settings.maxConnections);
  const connections = watchConnections(server, port);
  const { readHeaderTimeout: headers, readTimeout: body, writeTimeout: answer, idleTimeout: idle } = settings;
  timeSlowClients(server, port, { headers, body, answer, idle }, section === 'https');
  return new Promise((resolve, reject) => {
    port.once('error', (error) => {
      const setting = `apiServer.${section}.port (KUMA_API_SERVER_${section.toUpperCase()}_PORT)`;
      const reason = `cannot serve the API on ${listener.interface}:${listener.port}: ${error.message}; choose another ${setting}`;
      reject(new MeshError('unavailable', reason, { cause: error }));
    });
    port.listen({ port: listener.port, host: listener.interface, reusePort: shared }, () => {
      port.removeAllListeners('error');
      resolve({
        port: (port.address() as AddressInfo).port,
        renew,
        closeProven: connections.closeProven,
        close: (grace) => close(port, connections, grace),
      });
    });
  });
}

function limitConnections(server: Server, most: number): void {
  const limit = openConnectionLimit(() => most);
  server.on('connection', (socket) => limit.enter(socket));
  server.on('request', (request, response) => {
    limit.works(request.socket, request);
    response.once('close', () => limit.rests(request.socket));
  });
}

function close(port: NetServer, connections: Connections, graceMilliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    const force = setTimeout(connections.closeAll, graceMilliseconds);
    port.close(() => {
      clearTimeout(force);
      resolve();
    });
    connections.closeIdle();
  });
}
