// Logs to an OpenTelemetry collector: what a record says, and the cluster that leads to the collector.
import { create, fromJson, type JsonValue } from '@bufbuild/protobuf';
import { type ClusterDraft, hostNameCluster, upstreamHttp } from '@ursa/envoy';
import {
  type OpenTelemetryAccessLogConfig,
  OpenTelemetryAccessLogConfigSchema,
} from '@ursa/envoy/gen/envoy/extensions/access_loggers/open_telemetry/v3/logs_service_pb.ts';
import { type AnyValue, AnyValueSchema } from '@ursa/envoy/gen/opentelemetry/proto/common/v1/common_pb.ts';
import type { Collector } from '@ursa/policy';
import { collectorService, secureCluster } from '../conf/open-telemetry.ts';
import type { OpenTelemetryBackend } from './access-log-conf.ts';
import type { LineOptions } from './log-line.ts';
import { fillIn, type Placeholders } from './placeholders.ts';

/**
 * The cluster of a collector. Its name comes from the address, or from the resource that was referred to, so that all places and proxies mean
 * the same by it.
 */
export function collectorCluster(collector: Collector, referred: boolean, unifiedNaming: boolean): ClusterDraft {
  const { name: resource, host, port, protocol } = collector;
  const suffix = referred ? resource : `${host}${unifiedNaming ? '-' : ':'}${port}`;
  const name = unifiedNaming
    ? `system_meshaccesslog_otel_${suffix.replaceAll(/[^A-Za-z0-9-]/g, '-')}`
    : `meshaccesslog:opentelemetry:${suffix}`;
  const draft = hostNameCluster({ name, altStatName: !unifiedNaming }, host, port);
  secureCluster(draft, collector);
  return { ...draft, httpOptions: upstreamHttp(protocol === 'grpc' ? 2 : 1) };
}

/** Configuration of the log. */
export function collectorLog(
  { attributes = [], body }: OpenTelemetryBackend,
  collector: Collector,
  cluster: string,
  { defaultFormat, values }: LineOptions,
): OpenTelemetryAccessLogConfig {
  const { KUMA_MESH = '', KUMA_ZONE = '', KUMA_WORKLOAD = '' } = values;
  const resource = [pair('kuma.mesh', KUMA_MESH), pair('kuma.zone', KUMA_ZONE)];
  return create(OpenTelemetryAccessLogConfigSchema, {
    logName: 'MeshAccessLog',
    ...collectorService(collector, cluster, 'logs'),
    resourceAttributes: {
      values: KUMA_WORKLOAD === '' ? resource : [...resource, pair('kuma.workload', KUMA_WORKLOAD)],
    },
    body: recordBody(body ?? defaultFormat, values),
    attributes: { values: attributes.map(({ key, value }) => pair(key, fillIn(value, values))) },
  });
}

function pair(key: string, text: string) {
  return { key, value: { value: { case: 'stringValue' as const, value: text } } };
}

/** What a record says. A body that is no OTLP value is logged as the text it is. */
export function recordBody(body: unknown, values: Placeholders): AnyValue {
  const filled = fillInAll(body as JsonValue, values);
  const text = (value: string) => create(AnyValueSchema, { value: { case: 'stringValue', value } });
  if (typeof filled === 'string') return text(filled);
  try {
    return fromJson(AnyValueSchema, filled);
  } catch {
    return text(JSON.stringify(filled));
  }
}

function fillInAll(value: JsonValue, values: Placeholders): JsonValue {
  if (typeof value === 'string') return fillIn(value, values);
  if (Array.isArray(value)) return value.map((item) => fillInAll(item, values));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fillInAll(item, values)]));
}
