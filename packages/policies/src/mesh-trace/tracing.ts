// Writes a MeshTrace's conf as the tracing of an HTTP chain: who takes the spans, how many there are, and what they say.
import { create } from '@bufbuild/protobuf';
import { pack } from '@ursa/envoy';
import { DatadogConfigSchema } from '@ursa/envoy/gen/envoy/config/trace/v3/datadog_pb.ts';
import { OpenTelemetryConfigSchema } from '@ursa/envoy/gen/envoy/config/trace/v3/opentelemetry_pb.ts';
import {
  ZipkinConfigSchema,
  ZipkinConfig_CollectorEndpointVersion as ZipkinVersion,
} from '@ursa/envoy/gen/envoy/config/trace/v3/zipkin_pb.ts';
import {
  type HttpConnectionManager_Tracing,
  HttpConnectionManager_TracingSchema,
} from '@ursa/envoy/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts';
import { type CustomTag, CustomTagSchema } from '@ursa/envoy/gen/envoy/type/tracing/v3/custom_tag_pb.ts';
import { type Percent, PercentSchema } from '@ursa/envoy/gen/envoy/type/v3/percent_pb.ts';
import { parseDecimal, type TrafficPlace } from '@ursa/policy';
import { collectorService } from '../conf/open-telemetry.ts';
import { type Collector, collectorName } from './collector.ts';
import type { TraceConf, TraceTag } from './trace-conf.ts';

/** Tracing of an HTTP chain at a place. */
export function tracing(collector: Collector, conf: TraceConf, place: TrafficPlace): HttpConnectionManager_Tracing {
  const message = create(HttpConnectionManager_TracingSchema, {
    provider: {
      name: `envoy.tracers.${collector.kind}`,
      configType: { case: 'typedConfig', value: providerConfig(collector, place) },
    },
    customTags: customTags(conf.tags ?? [], place),
    // One span for each proxy that a request passes, not two.
    spawnUpstreamSpan: false,
  });
  const { overall, client, random } = conf.sampling ?? {};
  if (overall !== undefined) message.overallSampling = percent(overall);
  if (client !== undefined) message.clientSampling = percent(client);
  if (random !== undefined) message.randomSampling = percent(random);
  return message;
}

function providerConfig(collector: Collector, place: TrafficPlace): ReturnType<typeof pack> {
  const { backend, server, kind } = collector;
  const cluster = collectorName(collector, place.proxy);
  if (kind === 'zipkin') {
    const { traceId128bit = false, apiVersion, sharedSpanContext = true } = backend.zipkin ?? {};
    const config = create(ZipkinConfigSchema, {
      collectorCluster: cluster,
      collectorEndpoint: server.path,
      collectorHostname: server.authority,
      collectorEndpointVersion: apiVersion === 'httpProto' ? ZipkinVersion.HTTP_PROTO : ZipkinVersion.HTTP_JSON,
      traceId128bit,
      sharedSpanContext,
    });
    return pack(ZipkinConfigSchema, config);
  }
  if (kind === 'datadog') {
    const serviceName = datadogService(place, backend.datadog?.splitService ?? false);
    return pack(DatadogConfigSchema, create(DatadogConfigSchema, { collectorCluster: cluster, serviceName }));
  }
  const config = create(OpenTelemetryConfigSchema, {
    ...(collector.openTelemetry && collectorService(collector.openTelemetry, cluster, 'traces')),
    serviceName: place.workload.service,
  });
  return pack(OpenTelemetryConfigSchema, config);
}

/** Datadog groups spans by service: split, what a service receives and what it asks of each other service are groups of their own. */
function datadogService({ workload, direction, destination }: TrafficPlace, split: boolean): string {
  if (!split) return workload.service;
  return direction === 'inbound' ? `${workload.service}_INBOUND` : `${workload.service}_OUTBOUND_${destination}`;
}

/** The user's tags, and those that say whose span it is where the user has not set them. */
function customTags(tags: readonly TraceTag[], { proxy, workload }: TrafficPlace): CustomTag[] {
  const own = [
    { name: 'kuma.mesh', literal: proxy.mesh },
    // Envoy takes no empty tag.
    ...(workload.zone === '' ? [] : [{ name: 'kuma.zone', literal: workload.zone }]),
    ...(workload.kri === undefined ? [] : [{ name: 'kuma.workload', literal: workload.kri }]),
  ];
  const taken = new Set(tags.map((tag) => tag.name));
  return [...tags, ...own.filter(({ name }) => !taken.has(name))].map(customTag);
}

function customTag({ name, literal = '', header }: TraceTag): CustomTag {
  if (header === undefined)
    return create(CustomTagSchema, { tag: name, type: { case: 'literal', value: { value: literal } } });
  const value = { name: header.name, defaultValue: header.default ?? '' };
  return create(CustomTagSchema, { tag: name, type: { case: 'requestHeader', value } });
}

function percent(value: number | string): Percent {
  return create(PercentSchema, { value: parseDecimal(value) ?? 100 });
}
