// Sends the metrics to a collector again and again, as long as the configuration says so.
import { setTimeout as sleep } from 'node:timers/promises';
import { deliver, encodeMetricsRequest, otlpMetrics } from '@ursa/telemetry';
import type { Log } from '../log.ts';
import { version } from '../version.ts';
import type { Gathered } from './gather.ts';
import type { MetricsCollector } from './metrics-config.ts';

/** What is sent to whom. */
export interface PushOptions {
  readonly collector: MetricsCollector;
  readonly extraLabels: Readonly<Record<string, string>>;
  readonly gather: () => Promise<Gathered>;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** Sends at once and then at every interval until the signal. Trouble is logged once, until it is over; counters make up for what was missed. */
export async function pushMetrics({ collector, extraLabels, gather, log, signal }: PushOptions): Promise<void> {
  const service = extraLabels.service ?? extraLabels['kuma.workload'];
  const resource = service === undefined ? [] : [['service.name', service] as const];
  let trouble = '';
  while (!signal.aborted) {
    try {
      const { families } = await gather();
      const time = BigInt(Date.now()) * 1_000_000n;
      const scopes = otlpMetrics(families, { version, extraLabels, time });
      if (scopes.length > 0) await deliver(collector, 'metrics', encodeMetricsRequest(scopes, resource));
      if (trouble !== '') log.info(`metrics arrive at ${collector.name} again`);
      trouble = '';
    } catch (cause) {
      const { message } = cause as Error;
      if (message !== trouble) log.warn(`metrics cannot be sent to ${collector.name}: ${message}`);
      trouble = message;
    }
    // While the way to the collector is being opened, Envoy refuses: soon it will not.
    const pause = trouble === '' ? collector.interval : Math.min(collector.interval, retryInterval);
    await sleep(pause, undefined, { signal, ref: false }).catch(() => undefined);
  }
}

const retryInterval = 5000;
