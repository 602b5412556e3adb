// The few times that a skeleton sets itself. All others are those of MeshTimeout, which says something of every proxy, or Envoy's.
import { create } from '@bufbuild/protobuf';
import { durationOf, type Protocol } from '@ursa/envoy';
import { HttpProtocolOptionsSchema as CommonOptionsSchema } from '@ursa/envoy/gen/envoy/config/core/v3/protocol_pb.ts';
import type { HttpProtocolOptions } from '@ursa/envoy/gen/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.ts';

const hour = 3_600_000;

/** Milliseconds without a byte after which a stream that clients opened is closed. */
export const inboundStreamIdle = hour;

/** gRPC connections to the application are closed only when nothing happens on them for two hours. */
export function boundApplicationConnections(options: HttpProtocolOptions, protocol: Protocol): void {
  if (protocol !== 'grpc') return;
  options.commonHttpProtocolOptions = create(CommonOptionsSchema, { idleTimeout: durationOf(2 * hour) });
}
