// The metrics of a proxy: what the control plane says of them is followed, Prometheus is answered, collectors get them sent.
import { join } from 'node:path';
import { proxySocketPath } from '@ursa/resources';
import { configSocket } from '../dynamic-config/config-socket.ts';
import { watchDocument } from '../dynamic-config/watch-document.ts';
import type { Log } from '../log.ts';
import { createGatherer, type Gathered, type MetricsSources } from './gather.ts';
import { type MetricsConfig, parseMetricsConfig } from './metrics-config.ts';
import { openMetricsServer } from './metrics-server.ts';
import { pushProxyMetrics } from './push-metrics.ts';

/** What metrics are gathered for. */
export interface MetricsOptions {
  readonly mesh: string;
  readonly name: string;
  readonly workDir: string;
  readonly sources: MetricsSources;
  /** Milliseconds between two looks at the configuration. */
  readonly refreshInterval: number;
  readonly log: Log;
}

/** The running part. */
export interface Metrics {
  close(): Promise<void>;
}

/** Path of the document, and of the metrics that are gathered by it. */
const documentPath = '/meshmetric';

/** Metrics that the Mesh itself asks for, as it could before there was MeshMetric: all of Envoy's. */
const meshMetrics: MetricsConfig = {
  sidecar: { profiles: { appendProfiles: [{ name: 'All' }] } },
  applications: [],
  collectors: [],
  extraLabels: {},
};

/** Starts to follow, to answer and to send. */
export async function openMetrics({
  mesh,
  name,
  workDir,
  sources,
  refreshInterval,
  log,
}: MetricsOptions): Promise<Metrics> {
  const ended = new AbortController();
  const gatherers = new Map<string, () => Promise<Gathered>>([['/', createGatherer(meshMetrics, sources)]]);
  const server = await openMetricsServer(
    proxySocketPath(workDir, 'kuma-mh', { name, mesh }),
    (path) => gatherers.get(path),
    log,
  );
  let pushing = new AbortController();
  const apply = (text: string | undefined): void => {
    pushing.abort();
    if (text === undefined) {
      gatherers.delete(documentPath);
      log.info('metrics are not asked for any more');
      return;
    }
    const config = parseMetricsConfig(text);
    const gather = createGatherer(config, sources);
    gatherers.set(documentPath, gather);
    log.info('metrics are asked for', {
      applications: config.applications.length,
      collectors: config.collectors.map((collector) => collector.name),
    });
    pushing = new AbortController();
    const signal = AbortSignal.any([pushing.signal, ended.signal]);
    for (const collector of config.collectors) {
      void pushProxyMetrics({ collector, extraLabels: config.extraLabels, gather, log, signal });
    }
  };
  const watching = watchDocument({
    socketPath: join(workDir, configSocket),
    path: documentPath,
    interval: refreshInterval,
    log,
    signal: ended.signal,
    onChange: apply,
  });
  return {
    async close() {
      ended.abort();
      await watching.ended;
      await server.close();
    },
  };
}
