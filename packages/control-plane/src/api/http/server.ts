// Opens the ports of the API: HTTP and HTTPS over one app, with the time limits of the settings, and a stop that lets running requests end.
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Server as NetServer } from 'node:net';
import type { TlsOptions, Server as TlsServer } from 'node:tls';
import { MeshError } from '@ursa/resources';
import type { Settings } from '../../config/settings.ts';
import { openConnectionLimit } from '../../connection-limit.ts';
import { watchProvenConnections } from './proven-connections.ts';
import { openSharedPort, type SharedPort } from './shared-port.ts';

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

/** How often slow clients are looked for; short, so that a limit of one second means about one second. */
const slowClientCheckMilliseconds = 250;

/** Opens an HTTP server; `shared`: other processes listen on the same port. Errors: `MeshError('unavailable')` that names the address and the settings to change. */
export function openHttpServer(settings: ApiServer, handle: RequestListener, shared = false): Promise<OpenServer> {
  const server = createServer(limits(settings), handle);
  return open(server, shared ? openSharedPort(server, undefined) : undefined, settings, 'http');
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
    return open(server, undefined, settings, 'https');
  }
  const server = createServer(limits(settings), handle);
  return open(server, openSharedPort(server, tls), settings, 'https');
}

function limits(settings: ApiServer) {
  return {
    headersTimeout: settings.readHeaderTimeout,
    requestTimeout: settings.readTimeout,
    keepAliveTimeout: settings.idleTimeout,
    connectionsCheckingInterval: slowClientCheckMilliseconds,
    maxHeaderSize: 32 * 1024,
  };
}

/** `shared`: what hands connections to the server, where it does not listen itself. */
function open(
  server: Server,
  shared: SharedPort | undefined,
  settings: ApiServer,
  section: 'http' | 'https',
): Promise<OpenServer> {
  const listener = settings[section];
  const port: NetServer | TlsServer = shared?.front ?? server;
  // A client that stops reading, or sends nothing after connecting, holds its socket no longer than this.
  server.setTimeout(settings.writeTimeout);
  limitConnections(server, settings.maxConnections);
  const proven = watchProvenConnections(server, port);
  return new Promise((resolve, reject) => {
    port.once('error', (error) => {
      const setting = `apiServer.${section}.port (KUMA_API_SERVER_${section.toUpperCase()}_PORT)`;
      const reason = `cannot serve the API on ${listener.interface}:${listener.port}: ${error.message}; choose another ${setting}`;
      reject(new MeshError('unavailable', reason, { cause: error }));
    });
    port.listen({ port: listener.port, host: listener.interface, reusePort: shared !== undefined }, () => {
      port.removeAllListeners('error');
      resolve({
        port: (port.address() as AddressInfo).port,
        renew: (tls) => renew(port, tls),
        closeProven: (grace) => proven.close(grace),
        close: (grace) => close(server, shared, grace),
      });
    });
  });
}

function renew(port: NetServer | TlsServer, tls: TlsOptions): void {
  if ('setSecureContext' in port) port.setSecureContext(tls);
}

function limitConnections(server: Server, most: number): void {
  const limit = openConnectionLimit(most);
  server.on('connection', (socket) => limit.enter(socket));
  server.on('request', (request, response) => {
    limit.works(request.socket, request);
    response.once('close', () => limit.rests(request.socket));
  });
}

function close(server: Server, shared: SharedPort | undefined, graceMilliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    const force = setTimeout(
      () => (shared === undefined ? server.closeAllConnections() : shared.closeAll()),
      graceMilliseconds,
    );
    (shared?.front ?? server).close(() => {
      clearTimeout(force);
      resolve();
    });
    if (shared === undefined) server.closeIdleConnections();
    else shared.closeIdle();
  });
}
