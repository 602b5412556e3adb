// Which inbounds of a proxy let in plain text, read from the configuration that its Envoy gets: whatever has decided it (the Mesh's backend, MeshTLS,
// a policy of the user's own), it ends there.
import { fromBinary } from '@bufbuild/protobuf';
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import { acceptsPlaintext, type ProxyConfig } from '@ursa/engine';
import type { EnvoyResource } from '@ursa/envoy';
import { type Listener, ListenerSchema } from '@ursa/envoy/gen/envoy/config/listener/v3/listener_pb.ts';
import { HttpConnectionManagerSchema } from '@ursa/envoy/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts';

/** One inbound. */
export interface InboundAcceptance {
  /** Name of its listener. */
  readonly name: string;
  readonly port: number;
  /** Whether a connection without mTLS of the mesh gets to the application. */
  readonly plaintext: boolean;
  /** What the names of its statistics start with. `http` is undefined for inbounds of other protocols. */
  readonly statistics: { readonly listener: string; readonly http: string | undefined };
}

// Configurations share their resources, and a change leaves most of them the same objects.
const known = new WeakMap<EnvoyResource, InboundAcceptance>();

/** The inbounds of a configuration. */
export function readAcceptance(config: Pick<ProxyConfig, 'resources'> | undefined): readonly InboundAcceptance[] {
  const listeners = [...(config?.resources.listener.values() ?? [])].filter(({ origin }) => origin === 'inbound');
  return listeners.map((resource) => {
    const found = known.get(resource) ?? describe(fromBinary(ListenerSchema, resource.bytes));
    known.set(resource, found);
    return found;
  });
}

function describe(listener: Listener): InboundAcceptance {
  const { name, statPrefix } = listener;
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
  const prefix = (statPrefix === '' ? `${host}:${port}` : statPrefix).replaceAll(':', '_');
  const http = httpPrefix(listener);
  return {
    name,
    port,
    plaintext: acceptsPlaintext(listener),
    statistics: {
      listener: `listener.${prefix}`,
      http: http === undefined ? undefined : `http.${http.replaceAll(':', '_')}`,
    },
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
