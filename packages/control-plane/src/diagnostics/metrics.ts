// Metrics of the control plane: of the process, the store and the graph. Other parts register theirs in the same registry.
import type { Graph } from '@ursa/collections';
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { Log } from '../log.ts';
import type { Leadership } from '../store/leadership.ts';
import type { LiveResources } from '../store/live-resources.ts';
import type { Store } from '../store/store.ts';

/** What metrics are taken from. */
export interface MetricsSources {
  readonly store: Store;
  readonly leadership: Leadership;
  readonly live: LiveResources;
  readonly graph: Graph;
  readonly log: Log;
  readonly types: readonly string[];
  readonly version: string;
  readonly instanceId: string;
  readonly zone: string;
  /** Proxies connected to this instance now. */
  readonly connectedProxies: () => number;
  /** Updates that proxies have refused since the start, by type of Envoy resource. */
  readonly refusedUpdates: () => Readonly<Record<string, number>>;
  /** Policies that are held back from some proxy. */
  readonly heldBackPolicies: () => number;
  /** Whether the number of resources of each type is told (`metrics.controlPlane.reportResourcesCount`). */
  readonly countResources: boolean;
}

/** A registry with the metrics of the process and of these sources; values are taken when it is asked. */
export function createMetrics(sources: MetricsSources): Registry {
  const { store, live, graph, log } = sources;
  const registers = [new Registry()] as const;
  const [registry] = registers;
  // The lag of the event loop is sampled by a timer: a hundred times a second, as is the default, would be most of what an idle process does.
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 500 });
  new Gauge({
    name: 'cp_info',
    help: 'What this control plane is; always 1.',
    labelNames: ['version', 'instance_id', 'zone', 'product'],
    registers: [...registers],
  }).set({ version: sources.version, instance_id: sources.instanceId, zone: sources.zone, product: 'Ursa' }, 1);
  gauge('store_revision', 'Revision of the store: grows by one with each change.', () => store.revision());
  gauge('store_healthy', '1 when the store can be written.', () => (store.health().ok ? 1 : 0));
  gauge('leader', '1 when this instance does the work that only one instance does.', () =>
    sources.leadership.leads() ? 1 : 0,
  );
  gauge('xds_streams_active', 'Proxies connected to this instance.', sources.connectedProxies);
  gauge(
    'policies_held_back',
    'Policies that are held back from some proxy, because its Envoy refused what they made.',
    () => sources.heldBackPolicies(),
  );
  byLabel('xds_refused_updates_total', 'Updates that proxies refused, by type of Envoy resource.', 'type', () =>
    sources.refusedUpdates(),
  );
  byLabel('kuma_cp_log_lines_total', 'Lines logged, by level.', 'level', () => log.lines());
  byLabel('graph_recomputed_total', 'Runs of each derivation.', 'derivation', () => graph.stats().recomputed);
  byLabel('graph_kept', 'Results kept, by derivation.', 'derivation', () => graph.stats().kept);
  if (sources.countResources) {
    byLabel('resources_count', 'Resources by type.', 'resource_type', () =>
      Object.fromEntries(sources.types.map((type) => [type, live.resources(type).keys().length])),
    );
  }
  return registry;

  function gauge(name: string, help: string, value: () => number): void {
    new Gauge({
      name,
      help,
      registers: [...registers],
      collect() {
        this.set(value());
      },
    });
  }

  function byLabel(name: string, help: string, label: string, values: () => Readonly<Record<string, number>>): void {
    new Gauge({
      name,
      help,
      labelNames: [label],
      registers: [...registers],
      collect() {
        this.reset();
        for (const [key, value] of Object.entries(values())) this.set({ [label]: key }, value);
      },
    });
  }
}
