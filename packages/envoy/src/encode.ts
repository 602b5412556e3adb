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

function equalBytes(left: Uint8Array, right: Uint8Array): boolean {
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
  return internResource(type, name, toBinary(schemas[type] as DescMessage, message), origin);
}
