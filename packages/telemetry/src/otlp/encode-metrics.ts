// OTLP's request for metrics as protobuf (opentelemetry-proto, collector/metrics/v1 and metrics/v1).
import type { Label } from '../prometheus-text.ts';
import { withAttributes } from './attributes.ts';
import type { HistogramPoint, NumberPoint, OtlpMetric, Scope, ScopeMetrics } from './metrics.ts';
import { type MessageWriter, messageWriter } from './protobuf-writer.ts';

/** AGGREGATION_TEMPORALITY_CUMULATIVE. */
const cumulative = 2;

/** An `ExportMetricsServiceRequest`; `resource`: attributes of what is measured. */
export function encodeMetricsRequest(scopes: readonly ScopeMetrics[], resource: readonly Label[]): Buffer {
  const resourceMetrics = messageWriter().message(1, withAttributes(messageWriter(), 1, resource));
  for (const { scope, metrics } of scopes) {
    const scopeMetrics = messageWriter().message(1, scopeMessage(scope));
    for (const metric of metrics) scopeMetrics.message(2, metricMessage(metric));
    resourceMetrics.message(2, scopeMetrics.text(3, scope.schemaUrl));
  }
  return messageWriter().message(1, resourceMetrics).finish();
}

function scopeMessage({ name, version, attributes }: Scope): MessageWriter {
  return withAttributes(messageWriter().text(1, name).text(2, version), 3, attributes);
}

function metricMessage({ name, description, data }: OtlpMetric): MessageWriter {
  const points = messageWriter();
  if (data.kind === 'histogram') for (const point of data.points) points.message(1, histogramMessage(point));
  else for (const point of data.points) points.message(1, numberMessage(point));
  if (data.kind !== 'gauge') points.varint(2, cumulative);
  if (data.kind === 'sum') points.varint(3, 1);
  const fields = { gauge: 5, sum: 7, histogram: 9 } as const;
  return messageWriter().text(1, name).text(2, description).message(fields[data.kind], points);
}

function numberMessage({ attributes, time, value }: NumberPoint): MessageWriter {
  return withAttributes(messageWriter().fixed64(3, time).double(4, value), 7, attributes);
}

function histogramMessage({ attributes, time, count, sum, bounds, counts }: HistogramPoint): MessageWriter {
  const writer = messageWriter().fixed64(3, time).fixed64(4, BigInt(count)).double(5, sum);
  return withAttributes(writer.fixed64s(6, counts.map(BigInt)).doubles(7, bounds), 9, attributes);
}
