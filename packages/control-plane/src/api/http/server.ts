// Opens the ports of the API: HTTP and HTTPS over one app, with the time limits of the settings, and a stop that lets running requests end.
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Server as NetServer } from 'node:net';
import type { TlsOptions, Server as TlsServer } from 'node:tls';
import { MeshError } from '@ursa/resources';
import type { Settings } from '../../config/settings.ts';
import { openConnectionLimit } from '../../connection-limit.ts';
import { type Connections, watchConnections } from './connections.ts';
import { openSharedPort } from './shared-port.ts';
import { timeSlowClients } from './slow-clients.ts';

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

// The server's own look for slow clients would wake an idle process again and again: they are timed one by one (`slow-clients.ts`).
const neverLooked = 2 ** 31 - 1;

/** Opens an HTTP server; `shared`: other processes listen on the same port. Errors: `MeshError('unavailable')` that names the address and the settings to change. */
export function openHttpServer(settings: ApiServer, handle: RequestListener, shared = false): Promise<OpenServer> {
  const server = createServer(limits(settings), handle);
  return open(server, shared ? openSharedPort(server, undefined) : server, settings, 'http');
}

/** Opens an HTTPS server; `tls` holds certificate, key and what is wanted of clients. Errors as of `openHttpServer`. */
export function openHttpsServer(
  settings: ApiServer,
  tls: TlsOptions,
  handle: RequestListener,
  shared = false,
): Promise<OpenServer> {
  if (!shared) {
    const server = createTlsServer({ ...limits(settings), ...tls }, handle);
    return open(server, server, settings, 'https');
  }
  const server = createServer(limits(settings), handle);
  return open(server, openSharedPort(server, tls), settings, 'https');
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

/** `port` is the server itself, or what hands connections to it. */
function open(
  server: Server,
  port: NetServer | TlsServer,
  settings: ApiServer,
  section: 'http' | 'https',
): Promise<OpenServer> {
  const listener = settings[section];
  // A client that stops reading, or sends nothing after connecting, holds its socket no longer than this.
  server.setTimeout(settings.writeTimeout);
  limitConnections(server, settings.maxConnections);
  const connections = watchConnections(server, port);
  const { readHeaderTimeout: headers, readTimeout: body, idleTimeout: idle } = settings;
  timeSlowClients(server, port, { headers, body, idle }, section === 'https');
  return new Promise((resolve, reject) => {
    port.once('error', (error) => {
      const setting = `apiServer.${section}.port (KUMA_API_SERVER_${section.toUpperCase()}_PORT)`;
      const reason = `cannot serve the API on ${listener.interface}:${listener.port}: ${error.message}; choose another ${setting}`;
      reject(new MeshError('unavailable', reason, { cause: error }));
    });
    port.listen({ port: listener.port, host: listener.interface, reusePort: port !== server }, () => {
      port.removeAllListeners('error');
      resolve({
        port: (port.address() as AddressInfo).port,
        renew: (tls) => renew(port, tls),
        closeProven: connections.closeProven,
        close: (grace) => close(port, connections, grace),
      });
    });
  });
}

function renew(port: NetServer | TlsServer, tls: TlsOptions): void {
  if ('setSecureContext' in port) port.setSecureContext(tls);
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
