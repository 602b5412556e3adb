// Sends the metrics of a proxy to a collector, as long as the configuration says so.
import { pushMetrics } from '@ursa/telemetry';
import type { Log } from '../log.ts';
import { version } from '../version.ts';
import type { Gathered } from './gather.ts';
import type { MetricsCollector } from './metrics-config.ts';

/** What is sent to whom. */
export interface ProxyPushOptions {
  readonly collector: MetricsCollector;
  readonly extraLabels: Readonly<Record<string, string>>;
  readonly gather: () => Promise<Gathered>;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** Sends at once and then at every interval until the signal. */
export async function pushProxyMetrics(options: ProxyPushOptions): Promise<void> {
  const { collector, extraLabels, gather, log, signal } = options;
  const service = extraLabels.service ?? extraLabels['kuma.workload'];
  await pushMetrics({
    collector,
    interval: collector.interval,
    version,
    extraLabels,
    resource: service === undefined ? [] : [['service.name', service]],
    gather: async () => (await gather()).families,
    onTrouble(message) {
      if (message === undefined) log.info(`metrics arrive at ${collector.name} again`);
      else log.warn(`metrics cannot be sent to ${collector.name}: ${message}`);
    },
    signal,
  });
}
