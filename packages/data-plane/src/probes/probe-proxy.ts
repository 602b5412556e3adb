// The application probe proxy: whoever probes the application from outside the mesh (the kubelet, a load balancer) asks here, since the application's own port
// takes only mutual TLS. `/<port>/<path>` asks over HTTP, `/tcp/<port>` connects, `/grpc/<port>` asks gRPC's health service.
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { MeshError } from '@ursa/resources';
import type { Log } from '../log.ts';
import { probeGrpc } from './probe-grpc.ts';
import { probeHttp } from './probe-http.ts';
import { type ProbeResult, unknownResult } from './probe-result.ts';
import { probeTcp } from './probe-tcp.ts';
import { sourceFor } from './source-address.ts';

/** How the proxy listens and what it asks. */
export interface ProbeProxyOptions {
  /** 0: none is opened. */
  readonly port: number;
  /** Address of the workload: that of its Dataplane. Nothing else is ever asked. */
  readonly address: string;
  /** Whether the host redirects connections. */
  readonly redirected: boolean;
  readonly log: Log;
}

/** The running proxy. */
export interface ProbeProxy {
  readonly port: number;
  close(): Promise<void>;
}

// Whoever can reach the port can ask: what they can make us hold is bounded.
const mostAtOnce = 64;
const mostConnections = 256;
const longestTimeout = 60;

/** Opens it on all addresses of the machine; undefined when the port is 0. Errors: `MeshError('conflict')` when the port is taken. */
export async function openProbeProxy({
  port,
  address,
  redirected,
  log,
}: ProbeProxyOptions): Promise<ProbeProxy | undefined> {
  if (port === 0) return undefined;
  let running = 0;
  const server = createServer((request, response) => {
    const answer = ({ status, text, reason }: ProbeResult): void => {
      if (reason !== undefined)
        log.debug(`a probe found the application not healthy: ${reason}`, { path: request.url });
      response
        .writeHead(status, { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' })
        .end(`${text}\n`);
    };
    if (running >= mostAtOnce) return answer(unknownResult(`${mostAtOnce} probes are under way`));
    running += 1;
    void probe(request.url ?? '/', request.headers, {
      address,
      localAddress: sourceFor(address, redirected),
      own: port,
    })
      .then(answer, (cause: Error) => answer(unknownResult(cause.message)))
      .finally(() => {
        running -= 1;
      });
  });
  server.maxConnections = mostConnections;
  server.headersTimeout = 1_000;
  server.requestTimeout = 5_000;
  await listen(server, port);
  log.info('forwards probes of the application', { port, address });
  return {
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function probe(
  url: string,
  headers: IncomingHttpHeaders,
  {
    address,
    localAddress,
    own,
  }: { readonly address: string; readonly localAddress: string | undefined; readonly own: number },
): Promise<ProbeResult> {
  const found = /^\/(?:(tcp|grpc)\/)?(\d+)(\/[^?]*)?(\?.*)?$/.exec(url);
  const [, kind, portText = '', path = '/', query = ''] = found ?? [];
  const port = Number(portText);
  if (found === null || port < 1 || port > 65_535)
    return unknownResult('expected /<port>/<path>, /tcp/<port> or /grpc/<port>');
  // Asked for itself it would ask itself again, as often as the path says.
  if (port === own) return unknownResult(`port ${port} is that of the probe proxy itself`);
  const target = { host: address, port, localAddress, timeout: timeoutOf(headers) };
  if (kind === 'tcp') return await probeTcp(target);
  if (kind === 'grpc') return await probeGrpc(target, textOf(headers['x-kuma-probes-grpc-service']));
  return await probeHttp(target, `${path}${query}`, headers);
}

/** Milliseconds; the header has seconds. */
function timeoutOf(headers: IncomingHttpHeaders): number {
  const seconds = Number(textOf(headers['x-kuma-probes-timeout']) || 1);
  return 1000 * (Number.isInteger(seconds) && seconds > 0 ? Math.min(seconds, longestTimeout) : 1);
}

function textOf(value: string | string[] | undefined): string {
  return (Array.isArray(value) ? value[0] : value) ?? '';
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const reason = cause.code === 'EADDRINUSE' ? 'is in use by another process' : `cannot be used: ${cause.message}`;
      reject(
        new MeshError(
          'conflict',
          `KUMA_APPLICATION_PROBE_PROXY_PORT: port ${port} ${reason}; give another one, or 0 for none`,
          {
            cause,
          },
        ),
      );
    });
    server.listen(port, resolve);
  });
}
