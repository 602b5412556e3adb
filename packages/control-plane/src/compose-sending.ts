// Metrics and traces to OpenTelemetry collectors, as the settings and OpenTelemetry's own variables say.
import { MeshError } from '@ursa/resources';
import {
  collectorOf,
  type Environment,
  exportInterval,
  type Meter,
  openSpanExporter,
  pushMetrics,
  resourceAttributes,
  type SpanExporter,
} from '@ursa/telemetry';
import type { Component } from './component.ts';
import type { Settings } from './config/settings.ts';
import type { Logger } from './log.ts';
import { openTracer, type Tracer } from './tracing/tracer.ts';
import { buildInfo } from './version.ts';

/** What sending works with. */
export interface SendingParts {
  readonly meter: Meter;
  readonly log: Logger;
}

/** What is sent. */
export interface Sending {
  /** Undefined where nothing is traced. */
  readonly tracer: Tracer | undefined;
  readonly component: Component;
}

/** Sends from the start of the component to its stop. Errors: `MeshError('invalid')` that names the variable at fault. */
export function composeSending(settings: Settings, env: Environment, { meter, log }: SendingParts): Sending {
  const { enabled: traced, endpoint, samplingPercent } = settings.tracing.openTelemetry;
  const read = <Value>(look: () => Value): Value => {
    try {
      return look();
    } catch (cause) {
      throw new MeshError('invalid', cause instanceof Error ? cause.message : String(cause), { cause });
    }
  };
  const resource = read(() =>
    resourceAttributes(env, { 'service.name': 'kuma-cp', 'service.version': buildInfo.version }),
  );
  const metricsCollector = read(() =>
    settings.metrics.openTelemetry.enabled ? collectorOf(env, 'metrics') : undefined,
  );
  const interval = read(() => exportInterval(env));
  const spanCollector = read(() =>
    traced ? collectorOf(env, 'traces', { endpoint: endpoint === '' ? 'localhost:4317' : endpoint }) : undefined,
  );
  const tell = (what: string, shown: string) => (message: string | undefined) => {
    if (message === undefined) log.info(`${what} arrive at the collector again`, { collector: shown });
    else log.warn(`${what} cannot be sent to the collector`, { collector: shown, reason: message });
  };

  const outcomes = meter.counter(
    'trace_spans_total',
    'Spans of traces: exported, or dropped for want of a collector.',
    ['outcome'],
  );
  let spans: SpanExporter | undefined;
  if (spanCollector !== undefined) {
    spans = openSpanExporter({
      collector: spanCollector,
      scope: { name: 'kuma-cp', version: buildInfo.version },
      resource,
      onSpans(outcome, count) {
        outcomes.of(outcome).value += count;
      },
      onTrouble: tell('traces', spanCollector.shown),
    });
  }
  const exporter = spans;
  const ended = new AbortController();
  return {
    tracer: exporter && openTracer({ add: (span) => exporter.add(span), samplingPercent }),
    component: {
      name: 'telemetry',
      async start() {
        if (spanCollector !== undefined) log.info('traces are sent to a collector', { collector: spanCollector.shown });
        if (metricsCollector === undefined) return;
        log.info('metrics are sent to a collector', { collector: metricsCollector.shown });
        void pushMetrics({
          collector: metricsCollector,
          interval,
          version: buildInfo.version,
          extraLabels: {},
          resource,
          gather: async () => meter.families(),
          onTrouble: tell('metrics', metricsCollector.shown),
          signal: ended.signal,
        });
      },
      async stop() {
        ended.abort();
        await exporter?.stop();
      },
    },
  };
}
