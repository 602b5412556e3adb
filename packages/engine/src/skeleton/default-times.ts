// Times that hold where no policy says anything. MeshTimeout replaces them.
import { create } from '@bufbuild/protobuf';
import { durationOf, type FilterChainDraft, type Protocol, type RouteTimes } from '@ursa/envoy';
import { HttpProtocolOptionsSchema as CommonOptionsSchema } from '@ursa/envoy/gen/envoy/config/core/v3/protocol_pb.ts';
import type { HttpConnectionManager } from '@ursa/envoy/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts';
import type { HttpProtocolOptions } from '@ursa/envoy/gen/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.ts';

const seconds = 1000;
const hour = 3600 * seconds;
const route: RouteTimes = { request: 15 * seconds, idle: 1800 * seconds };

function withIdleTimeout(options: HttpProtocolOptions): void {
  options.commonHttpProtocolOptions = create(CommonOptionsSchema, { idleTimeout: durationOf(hour) });
}

function withAllTimes(options: HttpProtocolOptions): void {
  const times = {
    idleTimeout: durationOf(hour),
    maxConnectionDuration: durationOf(0),
    maxStreamDuration: durationOf(0),
  };
  options.commonHttpProtocolOptions = create(CommonOptionsSchema, times);
}

/** Sets default times on the parts of skeletons. */
export const defaultTimes = {
  route,
  /** Milliseconds without a byte after which a stream that clients opened is closed. */
  inboundStreamIdle: hour,
  manager(manager: HttpConnectionManager): void {
    manager.commonHttpProtocolOptions = create(CommonOptionsSchema, { idleTimeout: durationOf(0) });
    manager.requestHeadersTimeout = durationOf(0);
  },
  tcpProxy(chain: FilterChainDraft): void {
    if (chain.terminal.kind === 'tcp') chain.terminal.proxy.idleTimeout = durationOf(hour);
  },
  inboundCluster(options: HttpProtocolOptions, protocol: Protocol): void {
    if (protocol === 'http') withAllTimes(options);
    else withIdleTimeout(options);
  },
  outboundCluster(options: HttpProtocolOptions, protocol: Protocol): void {
    if (protocol === 'http' || protocol === 'http2') withAllTimes(options);
  },
};
