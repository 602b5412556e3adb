// Answers /ready on the loopback: whether this proxy can take traffic. Probes of Kubernetes and load balancers ask it.
import { createServer, type Server } from 'node:http';
import { MeshError } from '@ursa/resources';

/** Whether the proxy takes traffic, in the peer's words. */
export type Readiness = 'READY' | 'NOT_READY' | 'TERMINATING';

/** The running reporter. */
export interface ReadinessReporter {
  readonly port: number;
  close(): Promise<void>;
}

/** How the reporter listens. */
export interface ReadinessOptions {
  readonly port: number;
  /** Whether somebody asked for this very port; if not, a free one does when it is taken. */
  readonly portGiven: boolean;
  /** Asked at every request. */
  readonly state: () => Promise<Readiness>;
}

const host = '127.0.0.1';

/** Starts to answer `GET /ready` with 200 READY, or 503 and why not. */
export async function openReadinessReporter(options: ReadinessOptions): Promise<ReadinessReporter> {
  const server = createServer((request, response) => {
    if (request.url !== '/ready') {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('there is only /ready here');
      return;
    }
    void options.state().then((state) => {
      response
        .writeHead(state === 'READY' ? 200 : 503, {
          'content-type': 'text/plain',
          'cache-control': 'no-cache, max-age=0',
          'x-powered-by': 'kuma-dp',
        })
        .end(state);
    });
  });
  server.requestTimeout = 10_000;
  const port = await listen(server, options.port).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'EADDRINUSE' && !options.portGiven) return listen(server, 0);
    const reason = cause.code === 'EADDRINUSE' ? 'is in use by another process' : `cannot be used: ${cause.message}`;
    throw new MeshError(
      'conflict',
      `KUMA_READINESS_PORT: ${host}:${options.port} ${reason}; give another port, or none to have a free one picked`,
      { cause },
    );
  });
  return {
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}
