// The diagnostics server: first to listen and last to stop, so that it can tell how the rest is doing.
import { createServer, type Server as HttpServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo, Server } from 'node:net';
import { MeshError } from '@ursa/resources';
import type { Component } from '../component.ts';
import type { Settings } from '../config/settings.ts';
import { tlsLimitsOf } from '../config/tls-limits.ts';
import { type Connections, watchConnections } from '../http-ports/connections.ts';
import { openSecuredPort } from '../http-ports/secured-port.ts';
import { timeSlowClients } from '../http-ports/slow-clients.ts';
import type { CertificatePair, ServedCertificate } from '../identity/served-certificate.ts';
import { answerDiagnostics, type DiagnosticsAnswer, type DiagnosticsSources } from './routes.ts';

/** The server as a component, and its port (for port 0). */
export interface DiagnosticsServer extends Component {
  readonly port: number | undefined;
}

/** What it is served with. */
export interface DiagnosticsServerOptions {
  readonly settings: Settings['diagnostics'];
  /** Address to listen on; default: all. */
  readonly host?: string | undefined;
  readonly sources: DiagnosticsSources;
  /** Certificate and key; asked for only when TLS is on. */
  readonly certificate: () => Promise<ServedCertificate>;
}

/** Largest body of a request; the only one with a body changes a log level. */
const maximumBodyBytes = 4096;
/** Milliseconds that clients may take. */
const patience = { headers: 1_000, body: 10_000, answer: 30_000, idle: 5_000 };

/** The diagnostics server. Start error: `MeshError('unavailable')` when its port is taken. */
export function createDiagnosticsServer({
  settings,
  host,
  sources,
  certificate,
}: DiagnosticsServerOptions): DiagnosticsServer {
  let opened: Opened | undefined;
  let port: number | undefined;
  const handle: RequestListener = (request, response) => {
    answer(request, sources).then(({ status, contentType, body }) => {
      response.writeHead(status, { 'content-type': contentType, 'x-content-type-options': 'nosniff' });
      response.end(request.method === 'HEAD' ? undefined : body);
    });
  };
  return {
    name: 'diagnostics',
    get port() {
      return port;
    },
    async start() {
      opened = open(handle, settings, settings.tlsEnabled ? await certificate() : undefined);
      await listen(opened.server, settings.serverPort, host);
      port = (opened.server.address() as AddressInfo).port;
    },
    async stop() {
      const closing = opened;
      if (closing === undefined) return;
      await new Promise<void>((resolve) => {
        closing.server.close(() => resolve());
        closing.connections.closeAll();
      });
    },
  };
}

function listen(server: Server, port: number, host: string | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      const setting = 'diagnostics.serverPort (KUMA_DIAGNOSTICS_SERVER_PORT)';
      reject(
        new MeshError(
          'unavailable',
          `cannot serve diagnostics on port ${port}: ${cause.message}; choose another ${setting}`,
          { cause },
        ),
      );
    });
    server.listen({ port, ...(host === undefined ? {} : { host }) }, () => {
      server.removeAllListeners('error');
      resolve();
    });
  });
}

async function answer(request: IncomingMessage, sources: DiagnosticsSources): Promise<DiagnosticsAnswer> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://diagnostics');
  try {
    const body = await readBody(request);
    return await answerDiagnostics(
      { method: request.method ?? 'GET', path: pathname, query: searchParams, body },
      sources,
    );
  } catch (error) {
    const known = error instanceof MeshError ? statuses[error.code] : undefined;
    if (known === undefined) sources.log.component('diagnostics').error('a request failed', { error, path: pathname });
    return { status: known ?? 500, contentType: 'text/plain', body: error instanceof Error ? error.message : 'failed' };
  }
}

const statuses: Readonly<Partial<Record<string, number>>> = { invalid: 400, 'too-large': 413, unsupported: 501 };

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > maximumBodyBytes)
      throw new MeshError('too-large', `the body must have at most ${maximumBodyBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

interface Opened {
  /** What listens. */
  readonly server: Server;
  readonly connections: Connections;
}

/** With TLS where there is a certificate. */
function open(handle: RequestListener, settings: Settings['diagnostics'], served?: ServedCertificate): Opened {
  const http = createServer(handle);
  const server = served === undefined ? http : openTls(http, settings, served);
  timeSlowClients(http, server, patience, served !== undefined);
  return { server, connections: watchConnections(http, server) };
}

function openTls(http: HttpServer, settings: Settings['diagnostics'], served: ServedCertificate): Server {
  const optionsOf = ({ certificate: cert, privateKey: key }: CertificatePair) => ({
    ...tlsLimitsOf(settings),
    cert,
    key,
  });
  const port = openSecuredPort(http, optionsOf(served.current()));
  const renewals = served.follow((pair) => port.setSecureContext(optionsOf(pair)));
  port.once('close', () => renewals.stop());
  return port;
}
