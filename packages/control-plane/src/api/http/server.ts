// Opens the ports of the API: HTTP and HTTPS over one app, with the time limits of the settings, and a stop that lets running requests end.
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TlsOptions } from 'node:tls';
import { MeshError } from '@ursa/resources';
import type { Settings } from '../../config/settings.ts';
import { openConnectionLimit } from '../../connection-limit.ts';

type ApiServer = Settings['apiServer'];

/** A server that listens. */
export interface OpenServer {
  /** The port really bound, which differs from the setting when that is 0. */
  readonly port: number;
  /** Stops accepting, waits for running requests (at most `graceMilliseconds`), then closes what is left. */
  close(graceMilliseconds: number): Promise<void>;
}

/** How often slow clients are looked for; short, so that a limit of one second means about one second. */
const slowClientCheckMilliseconds = 250;

/** Opens an HTTP server. Errors: `MeshError('unavailable')` that names the address and the settings to change. */
export function openHttpServer(settings: ApiServer, handle: RequestListener): Promise<OpenServer> {
  return open(createServer(limits(settings), handle), settings, settings.http, 'http');
}

/** Opens an HTTPS server; `tls` holds certificate, key and what is wanted of clients. Errors as of `openHttpServer`. */
export function openHttpsServer(settings: ApiServer, tls: TlsOptions, handle: RequestListener): Promise<OpenServer> {
  return open(createTlsServer({ ...limits(settings), ...tls }, handle), settings, settings.https, 'https');
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

function open(
  server: Server,
  settings: ApiServer,
  listener: ApiServer['http'],
  section: 'http' | 'https',
): Promise<OpenServer> {
  // A client that stops reading, or sends nothing after connecting, holds its socket no longer than this.
  server.setTimeout(settings.writeTimeout);
  limitConnections(server, settings.maxConnections);
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      const setting = `apiServer.${section}.port (KUMA_API_SERVER_${section.toUpperCase()}_PORT)`;
      const reason = `cannot serve the API on ${listener.interface}:${listener.port}: ${error.message}; choose another ${setting}`;
      reject(new MeshError('unavailable', reason, { cause: error }));
    });
    server.listen(listener.port, listener.interface, () => {
      server.removeAllListeners('error');
      resolve({ port: (server.address() as AddressInfo).port, close: (grace) => close(server, grace) });
    });
  });
}

function limitConnections(server: Server, most: number): void {
  const limit = openConnectionLimit(most);
  server.on('connection', (socket) => limit.enter(socket));
  server.on('request', (request, response) => {
    limit.works(request.socket, request);
    response.once('close', () => limit.rests(request.socket));
  });
}

function close(server: Server, graceMilliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    const force = setTimeout(() => server.closeAllConnections(), graceMilliseconds);
    server.close(() => {
      clearTimeout(force);
      resolve();
    });
    server.closeIdleConnections();
  });
}
