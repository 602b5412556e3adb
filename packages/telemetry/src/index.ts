// What programs tell of themselves, for Prometheus and OpenTelemetry: counted, written and sent. Knows no mesh.
export type { Distribution } from './distribution.ts';
export { readMachineId } from './machine-id.ts';
export { type Count, createMeter, type Meter, metricsContentType, type Reading, type Series } from './meter.ts';
export type { Attribute } from './otlp/attributes.ts';
export { type Collector, deliver, type Signal } from './otlp/deliver.ts';
export { encodeMetricsRequest } from './otlp/encode-metrics.ts';
export {
  collectorOf,
  type Environment,
  exportInterval,
  type NamedCollector,
  resourceAttributes,
} from './otlp/environment.ts';
export { type OtlpMetric, otlpMetrics, type ScopeMetrics } from './otlp/metrics.ts';
export { pushMetrics } from './otlp/push-metrics.ts';
export { openSpanExporter, type SpanExporter } from './otlp/span-exporter.ts';
export type { Span } from './otlp/spans.ts';
export {
  type Family,
  formatPrometheus,
  formatValue,
  type Label,
  parsePrometheus,
  parseValue,
  type Sample,
} from './prometheus-text.ts';
export { type AnsweredRequest, type RequestMetrics, requestMetrics } from './request-metrics.ts';
