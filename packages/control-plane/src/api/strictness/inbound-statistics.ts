// What an inbound's statistics are called by its proxy's Envoy: read from the listener that it gets.
import { fromBinary } from '@bufbuild/protobuf';
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import type { EnvoyResource } from '@ursa/envoy';
import { type Listener, ListenerSchema } from '@ursa/envoy/gen/envoy/config/listener/v3/listener_pb.ts';
import { HttpConnectionManagerSchema } from '@ursa/envoy/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts';

/** Of one inbound. */
export interface InboundStatistics {
  readonly port: number;
  /** What the names of its listener's statistics start with. */
  readonly listener: string;
  /** The same of its HTTP filter; undefined for inbounds of other protocols. */
  readonly http: string | undefined;
}

// Configurations share their resources, and a change leaves most of them the same objects.
const known = new WeakMap<EnvoyResource, InboundStatistics>();

/** Of an inbound, by the listener of its proxy's configuration. */
export function statisticsOf(listener: EnvoyResource): InboundStatistics {
  const found = known.get(listener) ?? describe(fromBinary(ListenerSchema, listener.bytes));
  known.set(listener, found);
  return found;
}

function describe(listener: Listener): InboundStatistics {
  const socket = listener.address?.address;
  const { address, port } =
    socket?.case === 'socketAddress'
      ? {
          address: socket.value.address,
          port: socket.value.portSpecifier.case === 'portValue' ? socket.value.portSpecifier.value : 0,
        }
      : { address: '', port: 0 };
  const host = address.includes(':') ? `[${address}]` : address;
  // Envoy writes a colon in the name of a statistic as an underscore.
  const prefix = (listener.statPrefix === '' ? `${host}:${port}` : listener.statPrefix).replaceAll(':', '_');
  const http = httpPrefix(listener);
  return {
    port,
    listener: `listener.${prefix}`,
    http: http === undefined ? undefined : `http.${http.replaceAll(':', '_')}`,
  };
}

/** All chains of an inbound count under one name. */
function httpPrefix({ filterChains }: Listener): string | undefined {
  for (const { configType } of filterChains.flatMap(({ filters }) => filters)) {
    if (configType.case !== 'typedConfig') continue;
    const manager = anyUnpack(configType.value, HttpConnectionManagerSchema);
    if (manager !== undefined) return manager.statPrefix;
  }
  return undefined;
}
