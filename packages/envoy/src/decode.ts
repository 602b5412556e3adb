// Bytes back to something readable: for `_config`, for the scenarios and for tests.
import {
  createRegistry,
  type DescMessage,
  fromBinary,
  type JsonValue,
  type MessageShape,
  type Registry,
  toJson,
} from '@bufbuild/protobuf';
import { KafkaBrokerSchema } from '../gen/contrib/envoy/extensions/filters/network/kafka_broker/v3/kafka_broker_pb.ts';
import { ActionSchema } from '../gen/envoy/config/rbac/v3/rbac_pb.ts';
import { DatadogConfigSchema } from '../gen/envoy/config/trace/v3/datadog_pb.ts';
import { OpenTelemetryConfigSchema } from '../gen/envoy/config/trace/v3/opentelemetry_pb.ts';
import { ZipkinConfigSchema } from '../gen/envoy/config/trace/v3/zipkin_pb.ts';
import { FileAccessLogSchema } from '../gen/envoy/extensions/access_loggers/file/v3/file_pb.ts';
import { ExpressionFilterSchema } from '../gen/envoy/extensions/access_loggers/filters/cel/v3/cel_pb.ts';
import { OpenTelemetryAccessLogConfigSchema } from '../gen/envoy/extensions/access_loggers/open_telemetry/v3/logs_service_pb.ts';
import { ClusterConfigSchema } from '../gen/envoy/extensions/clusters/aggregate/v3/cluster_pb.ts';
import { ExtensionWithMatcherSchema } from '../gen/envoy/extensions/common/matching/v3/extension_matcher_pb.ts';
import { SkipFilterSchema } from '../gen/envoy/extensions/filters/common/matcher/action/v3/skip_action_pb.ts';
import { HTTPFaultSchema } from '../gen/envoy/extensions/filters/http/fault/v3/fault_pb.ts';
import { FilterConfigSchema } from '../gen/envoy/extensions/filters/http/grpc_stats/v3/config_pb.ts';
import { LocalRateLimitSchema as HttpLocalRateLimitSchema } from '../gen/envoy/extensions/filters/http/local_ratelimit/v3/local_rate_limit_pb.ts';
import { RBACSchema as HttpRbacSchema } from '../gen/envoy/extensions/filters/http/rbac/v3/rbac_pb.ts';
import { RouterSchema } from '../gen/envoy/extensions/filters/http/router/v3/router_pb.ts';
import { HttpInspectorSchema } from '../gen/envoy/extensions/filters/listener/http_inspector/v3/http_inspector_pb.ts';
import { OriginalDstSchema } from '../gen/envoy/extensions/filters/listener/original_dst/v3/original_dst_pb.ts';
import { TlsInspectorSchema } from '../gen/envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector_pb.ts';
import { ConfigSchema as DirectResponseSchema } from '../gen/envoy/extensions/filters/network/direct_response/v3/config_pb.ts';
import { HttpConnectionManagerSchema } from '../gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts';
import { LocalRateLimitSchema } from '../gen/envoy/extensions/filters/network/local_ratelimit/v3/local_rate_limit_pb.ts';
import { RBACSchema } from '../gen/envoy/extensions/filters/network/rbac/v3/rbac_pb.ts';
import { TcpProxySchema } from '../gen/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.ts';
import { DnsFilterConfigSchema } from '../gen/envoy/extensions/filters/udp/dns_filter/v3/dns_filter_pb.ts';
import { HealthCheckEventFileSinkSchema } from '../gen/envoy/extensions/health_check/event_sinks/file/v3/file_pb.ts';
import { ServerNameInputSchema } from '../gen/envoy/extensions/matching/common_inputs/network/v3/network_inputs_pb.ts';
import { UriSanInputSchema } from '../gen/envoy/extensions/matching/common_inputs/ssl/v3/ssl_inputs_pb.ts';
import { GoogleRE2Schema } from '../gen/envoy/extensions/regex_engines/v3/google_re2_pb.ts';
import {
  DownstreamTlsContextSchema,
  UpstreamTlsContextSchema,
} from '../gen/envoy/extensions/transport_sockets/tls/v3/tls_pb.ts';
import { HttpProtocolOptionsSchema } from '../gen/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.ts';
import { schemas } from './encode.ts';
import { extensionType } from './extension-types.ts';
import { once } from './once.ts';
import type { EnvoyResource, EnvoyType } from './resource.ts';

/** Every message that we pack into an Any. */
const ownTypes = once(() =>
  createRegistry(
    ActionSchema,
    ClusterConfigSchema,
    DatadogConfigSchema,
    DirectResponseSchema,
    DnsFilterConfigSchema,
    DownstreamTlsContextSchema,
    ExpressionFilterSchema,
    ExtensionWithMatcherSchema,
    FileAccessLogSchema,
    FilterConfigSchema,
    GoogleRE2Schema,
    HTTPFaultSchema,
    HealthCheckEventFileSinkSchema,
    HttpConnectionManagerSchema,
    HttpInspectorSchema,
    HttpLocalRateLimitSchema,
    HttpProtocolOptionsSchema,
    HttpRbacSchema,
    KafkaBrokerSchema,
    LocalRateLimitSchema,
    OpenTelemetryAccessLogConfigSchema,
    OpenTelemetryConfigSchema,
    OriginalDstSchema,
    RBACSchema,
    RouterSchema,
    ServerNameInputSchema,
    SkipFilterSchema,
    TcpProxySchema,
    TlsInspectorSchema,
    UpstreamTlsContextSchema,
    UriSanInputSchema,
    ZipkinConfigSchema,
  ),
);

function messageType(typeName: string): DescMessage | undefined {
  return ownTypes().getMessage(typeName) ?? extensionType(typeName);
}

/** Every message that can be in an Any: those that we pack, and all extensions of Envoy, which users add. Lists the former only. */
export const registry: Registry = {
  kind: 'registry',
  [Symbol.iterator]: () => ownTypes()[Symbol.iterator](),
  get: (typeName) => ownTypes().get(typeName) ?? messageType(typeName),
  getMessage: messageType,
  getEnum: (typeName) => ownTypes().getEnum(typeName),
  getExtension: (typeName) => ownTypes().getExtension(typeName),
  getExtensionFor: (extendee, number) => ownTypes().getExtensionFor(extendee, number),
  getService: (typeName) => ownTypes().getService(typeName),
};

/** The message of a resource; a fresh copy. */
export function decodeResource<Type extends EnvoyType>(
  resource: EnvoyResource & { readonly type: Type },
): MessageShape<(typeof schemas)[Type]> {
  return fromBinary(schemas[resource.type] as DescMessage, resource.bytes) as MessageShape<(typeof schemas)[Type]>;
}

/** The resource as protobuf JSON, nested Any messages unpacked. */
export function resourceJson(resource: EnvoyResource): JsonValue {
  return toJson(schemas[resource.type] as DescMessage, decodeResource(resource), { registry });
}
