// Sends metrics to a collector again and again.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Family, Label } from '../prometheus-text.ts';
import { type Collector, deliver } from './deliver.ts';
import { encodeMetricsRequest } from './encode-metrics.ts';
import { otlpMetrics } from './metrics.ts';

/** What is sent to whom. */
export interface PushOptions {
  readonly collector: Collector;
  /** Milliseconds between two deliveries. */
  readonly interval: number;
  /** Version of the program. */
  readonly version: string;
  readonly extraLabels: Readonly<Record<string, string>>;
  /** What is told of the program. */
  readonly resource: readonly Label[];
  readonly gather: () => Promise<readonly Family[]>;
  /** Told once of each trouble, and with undefined when it is over. */
  readonly onTrouble: (message: string | undefined) => void;
  readonly signal: AbortSignal;
}

// While the way to a collector is being opened, it is soon worth another try.
const retryInterval = 5000;

/** Sends at once and then at every interval until the signal. Counters make up for what was missed. */
export async function pushMetrics(options: PushOptions): Promise<void> {
  const { interval, gather, onTrouble, signal } = options;
  let trouble: string | undefined;
  while (!signal.aborted) {
    try {
      await sendMetrics(options, await gather());
      if (trouble !== undefined) onTrouble(undefined);
      trouble = undefined;
    } catch (cause) {
      const { message } = cause as Error;
      if (message !== trouble) onTrouble(message);
      trouble = message;
    }
    const pause = trouble === undefined ? interval : Math.min(interval, retryInterval);
    await sleep(pause, undefined, { signal, ref: false }).catch(() => undefined);
  }
}

async function sendMetrics(
  { collector, version, extraLabels, resource }: PushOptions,
  families: readonly Family[],
): Promise<void> {
  const time = BigInt(Date.now()) * 1_000_000n;
  const scopes = otlpMetrics(families, { version, extraLabels, time });
  if (scopes.length > 0) await deliver(collector, 'metrics', encodeMetricsRequest(scopes, resource));
}
