// What the graph of derivations does for each change: how long it works, and on how much.
import type { GraphObserver } from '@ursa/collections';
import type { Meter } from '@ursa/telemetry';

/** What the metrics of the graph are taken with. */
export interface GraphMetricsOptions {
  readonly meter: Meter;
  /** Whether a derivation is that of a proxy's configuration. */
  readonly isConfiguration: (derivation: string) => boolean;
  /** Kind of a proxy by its key: `dataplane`, `ingress`, `egress`. */
  readonly proxyType: (proxyKey: string) => string;
  /** Told of each batch: when it began to be worked out, how long that took, and how many results were recomputed. */
  readonly onBatch: (started: number, milliseconds: number, recomputed: number) => void;
}

/** Declares the metrics. `failed` is to be told of every derivation that fails. */
export function graphMetrics(options: GraphMetricsOptions): GraphObserver & { failed(derivation: string): void } {
  const { meter, isConfiguration, proxyType, onBatch } = options;
  const generation = meter.histogram(
    'xds_generation',
    'Milliseconds to bring the configuration of a proxy up to date. What several proxies share counts for the first of them.',
    [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 100, 1000],
    ['proxy_type', 'result'],
  );
  const errors = meter.counter('xds_generation_errors', 'Configurations that could not be worked out.').of();
  const seconds = meter
    .histogram(
      'graph_batch_seconds',
      'Time to work out a batch of changes for all connected proxies.',
      [0.0001, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5],
    )
    .of();
  const recomputations = meter
    .histogram(
      'graph_batch_recomputed',
      'Results recomputed for a batch of changes.',
      [0, 1, 10, 50, 100, 500, 1000, 5000, 10_000, 50_000],
    )
    .of();
  return {
    now: () => performance.now(),
    refreshed(derivation, [proxyKey], milliseconds, changed) {
      if (!isConfiguration(derivation)) return;
      generation.of(proxyType(String(proxyKey)), changed ? 'changed' : 'no_changes').observe(milliseconds);
    },
    closed(milliseconds, recomputed) {
      seconds.observe(milliseconds / 1000);
      recomputations.observe(recomputed);
      onBatch(performance.now() - milliseconds, milliseconds, recomputed);
    },
    failed(derivation) {
      if (isConfiguration(derivation)) errors.value += 1;
    },
  };
}
