// Messages to bytes. The same content always gives the same object, so that comparing two proxies' resources is comparing references.
import { type DescMessage, type MessageShape, toBinary } from '@bufbuild/protobuf';
import { ClusterSchema } from '../gen/envoy/config/cluster/v3/cluster_pb.ts';
import { ClusterLoadAssignmentSchema } from '../gen/envoy/config/endpoint/v3/endpoint_pb.ts';
import { ListenerSchema } from '../gen/envoy/config/listener/v3/listener_pb.ts';
import { RouteConfigurationSchema } from '../gen/envoy/config/route/v3/route_pb.ts';
import { SecretSchema } from '../gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.ts';
import { RuntimeSchema } from '../gen/envoy/service/runtime/v3/rtds_pb.ts';
import { contentHash } from './content-hash.ts';
import type { EnvoyResource, EnvoyType, Origin } from './resource.ts';

/** Message types by our short words. */
export const schemas = {
  cluster: ClusterSchema,
  endpoint: ClusterLoadAssignmentSchema,
  listener: ListenerSchema,
  route: RouteConfigurationSchema,
  secret: SecretSchema,
  runtime: RuntimeSchema,
} as const satisfies Record<EnvoyType, DescMessage>;

const known = new Map<string, WeakRef<EnvoyResource>>();
const forgotten = new FinalizationRegistry<string>((key) => {
  if (known.get(key)?.deref() === undefined) known.delete(key);
});

/** True for the same content. */
export function equalBytes(left: Uint8Array, right: Uint8Array): boolean {
  if (left.length !== right.length) return false;
  for (let position = 0; position < left.length; position++) if (left[position] !== right[position]) return false;
  return true;
}

/** The one resource with these bytes and this origin. What no proxy has any more is forgotten. */
export function internResource(type: EnvoyType, name: string, bytes: Uint8Array, origin: Origin): EnvoyResource {
  // Two contents with one hash are told apart by a suffix: the version must differ whenever the bytes do.
  for (let attempt = 0; ; attempt++) {
    const version = attempt === 0 ? contentHash(bytes) : `${contentHash(bytes)}-${attempt}`;
    const key = `${type} ${origin} ${name} ${version}`;
    const found = known.get(key)?.deref();
    if (found !== undefined && !equalBytes(found.bytes, bytes)) continue;
    if (found !== undefined) return found;
    const resource: EnvoyResource = Object.freeze({ type, name, origin, version, bytes });
    known.set(key, new WeakRef(resource));
    forgotten.register(resource, key);
    return resource;
  }
}

/** Encodes a message. Deterministic as long as maps are filled in one order, which the builders see to. */
export function encodeResource<Type extends EnvoyType>(
  type: Type,
  message: MessageShape<(typeof schemas)[Type]>,
  origin: Origin,
): EnvoyResource {
  const name = 'clusterName' in message ? message.clusterName : message.name;
  return internResource(type, name, encodePart(type, message), origin);
}

/** Encodes some fields of a resource, for `joinParts`. */
export function encodePart<Type extends EnvoyType>(
  type: Type,
  message: MessageShape<(typeof schemas)[Type]>,
): Uint8Array {
  return toBinary(schemas[type] as DescMessage, message);
}

/**
 * A resource whose fields were encoded apart: messages that are written one after another are read as one that has the fields of all (Protocol
 * Buffers, "Encoding", "Last One Wins"). No field may be in more than one part.
 */
export function joinParts(type: EnvoyType, name: string, parts: readonly Uint8Array[], origin: Origin): EnvoyResource {
  const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let position = 0;
  for (const part of parts) {
    bytes.set(part, position);
    position += part.length;
  }
  return internResource(type, name, bytes, origin);
}
