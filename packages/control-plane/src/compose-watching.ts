// What watches the control plane at work: one meter, and for each part the hooks that write into it.
import type { GraphObserver } from '@ursa/collections';
import { createMeter, type Meter, type RequestMetrics, requestMetrics } from '@ursa/telemetry';
import type { Component } from './component.ts';
import { composeSending } from './compose-sending.ts';
import type { Settings } from './config/settings.ts';
import {
  type GeneratorMetrics,
  generatorMetrics,
  type InstanceMetrics,
  identityMetrics,
  instanceMetrics,
  meshInsightsMetrics,
} from './diagnostics/component-metrics.ts';
import { eventLoopProbe } from './diagnostics/event-loop.ts';
import { graphMetrics } from './diagnostics/graph-metrics.ts';
import { processMetrics } from './diagnostics/process-metrics.ts';
import type { IdentityMetrics } from './identity/workload-identities.ts';
import type { MeshInsightsMetrics } from './insights/mesh-insights.ts';
import type { Log } from './log.ts';
import { commitMetrics, meterStore } from './store/metered-store.ts';
import type { Store } from './store/store.ts';
import { openChangeTraces } from './tracing/change-traces.ts';
import { traceStore } from './tracing/traced-store.ts';
import type { Tracer } from './tracing/tracer.ts';
import { type HealthMetrics, healthMetrics } from './xds/health/health-metrics.ts';
import { followPropagation, type Propagation } from './xds/propagation.ts';
import { type XdsMetrics, xdsMetrics } from './xds/xds-metrics.ts';

/** Hooks for the parts. */
export interface Watching {
  readonly meter: Meter;
  readonly graph: GraphObserver;
  /** A derivation failed. */
  failed(derivation: string): void;
  readonly onCommit: ReturnType<typeof commitMetrics>;
  /** The store, with its writes watched. */
  store(store: Store): Store;
  readonly identities: IdentityMetrics;
  readonly generators: GeneratorMetrics;
  readonly meshInsights: MeshInsightsMetrics;
  readonly instances: InstanceMetrics;
  readonly xds: XdsMetrics;
  readonly health: HealthMetrics;
  readonly propagation: Propagation;
  readonly apiRequests: RequestMetrics;
  readonly dpServerRequests: RequestMetrics;
  /** Undefined where nothing is traced. */
  readonly tracer: Tracer | undefined;
  /** Sends metrics and traces to collectors. Ends after everything that makes some. */
  readonly sending: Component;
}

/** What is known only after the parts are made. */
export interface WatchedParts {
  /** Name of the derivation of a proxy's configuration. */
  readonly configuration: () => string;
  readonly proxyType: (proxyKey: string) => string;
}

/** Opens the watching. Errors: `MeshError('invalid')` that names the variable of the environment at fault. */
export function composeWatching(settings: Settings, log: Log, parts: WatchedParts): Watching {
  const meter = createMeter({ labels: { zone: settings.multizone.zone.name } });
  const sending = composeSending(settings, process.env, { meter, log: log.component('telemetry') });
  const { tracer } = sending;
  const traces = tracer && openChangeTraces(tracer);
  processMetrics(meter);
  const loop = eventLoopProbe(meter);
  const graph = graphMetrics({
    meter,
    isConfiguration: (name) => name === parts.configuration(),
    proxyType: parts.proxyType,
    onBatch(started, milliseconds, recomputed) {
      loop.mark(started);
      traces?.worked(milliseconds, recomputed);
    },
  });
  const propagationTimes = meter
    .histogram(
      'xds_propagation_seconds',
      'Time from the beginning of a write to the last answer of the connected proxies that it concerns.',
      [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
    )
    .of();
  const propagation = followPropagation({
    ...traces,
    arrived(change) {
      propagationTimes.observe(change.milliseconds / 1000);
      traces?.arrived(change);
    },
  });
  meter.read('xds_propagation_underway', 'gauge', 'Changes that some connected proxy has not answered for yet.', () =>
    propagation.underway(),
  );
  const xds = xdsMetrics(meter);
  const apiRequests = requestMetrics(meter, 'api_server');
  return {
    meter,
    graph,
    failed: (derivation) => graph.failed(derivation),
    onCommit: commitMetrics(meter),
    store(store) {
      const metered = meterStore(store, {
        meter,
        onWritten: (revision, started) => propagation.written(revision, started),
      });
      if (tracer === undefined || traces === undefined) return metered;
      return traceStore(metered, tracer, (revision, request) => traces.written(revision, request));
    },
    tracer,
    sending: sending.component,
    identities: identityMetrics(meter),
    generators: generatorMetrics(meter),
    meshInsights: meshInsightsMetrics(meter),
    instances: instanceMetrics(meter),
    xds: {
      ...xds,
      answered(type, accepted) {
        loop.mark();
        xds.answered(type, accepted);
      },
    },
    health: healthMetrics(meter),
    propagation,
    apiRequests: {
      ...apiRequests,
      began() {
        loop.mark();
        apiRequests.began();
      },
    },
    dpServerRequests: requestMetrics(meter, 'dp_server'),
  };
}
