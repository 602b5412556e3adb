// Serves the metrics on the Unix socket to which Envoy's listeners for Prometheus lead.
import { rmSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import { formatPrometheus } from '@ursa/telemetry';
import type { Log } from '../log.ts';
import type { Gathered } from './gather.ts';

/** The running server. */
export interface MetricsServer {
  close(): Promise<void>;
}

/** What it serves, by path; undefined where nobody has asked for metrics. */
export type MetricsByPath = (path: string) => (() => Promise<Gathered>) | undefined;

/** Starts to serve. A socket that a killed process has left is taken over. */
export async function openMetricsServer(socketPath: string, metrics: MetricsByPath, log: Log): Promise<MetricsServer> {
  rmSync(socketPath, { force: true });
  const server = createServer((request, response) => {
    const gather = metrics(new URL(request.url ?? '/', 'http://localhost').pathname);
    if (gather === undefined) {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('no metrics are asked for: apply a MeshMetric\n');
      return;
    }
    void gather().then(
      (gathered) => answer(response, gathered, log),
      (cause: Error) => {
        log.error(`cannot gather metrics: ${cause.message}`);
        response.writeHead(500, { 'content-type': 'text/plain' }).end('cannot gather metrics\n');
      },
    );
  });
  server.requestTimeout = 10_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(socketPath, () => {
      server.off('error', reject);
      resolve();
    });
  });
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function answer(response: ServerResponse, { families, failures }: Gathered, log: Log): void {
  for (const failure of failures) log.warn(`metrics are missing: ${failure}`);
  const comments = failures.map((failure) => `# missing: ${failure.replaceAll(/[\r\n]+/g, ' ')}\n`).join('');
  response
    .writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' })
    .end(formatPrometheus(families) + comments);
}
