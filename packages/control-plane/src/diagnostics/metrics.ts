// Metrics of the control plane that are read off its parts when somebody asks; what has to be counted as it happens is declared beside who counts it.
import type { Graph } from '@ursa/collections';
import type { Meter, Reading } from '@ursa/telemetry';
import type { Log } from '../log.ts';
import type { Leadership } from '../store/leadership.ts';
import type { LiveResources } from '../store/live-resources.ts';
import type { Store } from '../store/store.ts';

/** What metrics are taken from. */
export interface MetricsSources {
  readonly meter: Meter;
  readonly store: Store;
  readonly leadership: Leadership;
  readonly live: LiveResources;
  readonly graph: Graph;
  readonly log: Log;
  readonly types: readonly string[];
  readonly version: string;
  readonly instanceId: string;
  readonly clusterId: () => string;
  /** Proxies connected to this instance now. */
  readonly connectedProxies: () => number;
  /** Proxies that have something to be sent and wait for their turn. */
  readonly queuedPushes: () => number;
  /** Updates that proxies have refused since the start, by type of Envoy resource. */
  readonly refusedUpdates: () => Readonly<Record<string, number>>;
  /** Policies that are held back from some proxy. */
  readonly heldBackPolicies: () => number;
  /** Whether the number of resources of each type is told (`metrics.controlPlane.reportResourcesCount`). */
  readonly countResources: boolean;
}

/** Declares the metrics of these sources. */
export function declareMetrics(sources: MetricsSources): void {
  const { meter, store, live, graph, log } = sources;
  meter.reads('cp_info', 'gauge', 'What this control plane is; always 1.', infoLabels, () => [
    [['Ursa', sources.version, sources.instanceId, sources.clusterId()], 1],
  ]);
  gauge('leader', '1 when this instance does the work that only one instance does.', () =>
    sources.leadership.leads() ? 1 : 0,
  );
  gauge('store_revision', 'Revision of the store: grows by one with each change.', () => store.revision());
  gauge('store_healthy', '1 when the store can be written.', () => (store.health().ok ? 1 : 0));
  gauge('store_feed_lag', 'Revisions that are stored and not worked out yet.', () =>
    Math.max(0, store.revision() - live.revision()),
  );
  gauge('xds_streams_active', 'Proxies connected to this instance.', sources.connectedProxies);
  gauge('xds_push_queue', 'Proxies that have something to be sent and wait for their turn.', sources.queuedPushes);
  gauge(
    'policies_held_back',
    'Policies that are held back from some proxy, because its Envoy refused what they made.',
    sources.heldBackPolicies,
  );
  byLabel(
    'xds_refused_updates_total',
    'counter',
    'Updates that proxies refused, by type of Envoy resource.',
    'type',
    () => sources.refusedUpdates(),
  );
  meter.reads('kuma_cp_log_lines_total', 'counter', 'Lines logged.', ['logger', 'level'], () =>
    log.lines().map(({ component, level, count }): Reading => [[component, level], count]),
  );
  byLabel(
    'graph_recomputed_total',
    'counter',
    'Runs of each derivation.',
    'derivation',
    () => graph.stats().recomputed,
  );
  byLabel('graph_kept', 'gauge', 'Results kept, by derivation.', 'derivation', () => graph.stats().kept);
  if (sources.countResources) {
    byLabel('resources_count', 'gauge', 'Resources by type.', 'resource_type', () =>
      Object.fromEntries(sources.types.map((type) => [type, live.resources(type).keys().length])),
    );
  }

  function gauge(name: string, help: string, value: () => number): void {
    meter.read(name, 'gauge', help, value);
  }

  function byLabel(
    name: string,
    type: 'gauge' | 'counter',
    help: string,
    label: string,
    values: () => Readonly<Record<string, number>>,
  ): void {
    meter.reads(name, type, help, [label], () =>
      Object.entries(values()).map(([key, value]): Reading => [[key], value]),
    );
  }
}

const infoLabels = ['product', 'version', 'instance_id', 'cluster_id'];
