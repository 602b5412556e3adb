// Discovery responses onto the wire. A response is a small head and the shared bytes of its resources: nothing is encoded per proxy.
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { type EnvoyResource, type EnvoyType, typeUrls } from '@ursa/envoy';
import type { Update } from '../delta/conversation.ts';

// Framed bytes by resource: they live as long as the resource does, and are the same for all proxies that get it.
const incrementalFrames = new WeakMap<EnvoyResource, Uint8Array>();
const stateFrames = new WeakMap<EnvoyResource, Uint8Array>();

/** A `DeltaDiscoveryResponse`, in parts. */
export function encodeIncremental(type: EnvoyType, update: Update<EnvoyResource>): readonly Uint8Array[] {
  const head = new BinaryWriter();
  field(head, 4).string(typeUrls[type]);
  field(head, 5).string(update.nonce);
  for (const name of update.removed) field(head, 6).string(name);
  return [head.finish(), ...update.resources.map((resource) => framed(incrementalFrames, resource, frameIncremental))];
}

/** A `DiscoveryResponse`, in parts. Its version is the nonce: this protocol compares neither. */
export function encodeStateOfTheWorld(type: EnvoyType, update: Update<EnvoyResource>): readonly Uint8Array[] {
  const head = new BinaryWriter();
  field(head, 1).string(update.nonce);
  field(head, 4).string(typeUrls[type]);
  field(head, 5).string(update.nonce);
  return [head.finish(), ...update.resources.map((resource) => framed(stateFrames, resource, frameState))];
}

function framed(
  cache: WeakMap<EnvoyResource, Uint8Array>,
  resource: EnvoyResource,
  frame: (resource: EnvoyResource) => Uint8Array,
): Uint8Array {
  let bytes = cache.get(resource);
  if (bytes === undefined) {
    bytes = frame(resource);
    cache.set(resource, bytes);
  }
  return bytes;
}

/** Field 2 of the response: a `Resource` with name, version and the message in an `Any`. */
function frameIncremental(resource: EnvoyResource): Uint8Array {
  const message = new BinaryWriter();
  field(message, 1).string(resource.version);
  field(message, 2).bytes(packed(resource));
  field(message, 3).string(resource.name);
  return field(new BinaryWriter(), 2).bytes(message.finish()).finish();
}

/** Field 2 of the response: the message in an `Any`. */
function frameState(resource: EnvoyResource): Uint8Array {
  return field(new BinaryWriter(), 2).bytes(packed(resource)).finish();
}

function packed(resource: EnvoyResource): Uint8Array {
  const any = new BinaryWriter();
  field(any, 1).string(typeUrls[resource.type]);
  field(any, 2).bytes(resource.bytes);
  return any.finish();
}

function field(writer: BinaryWriter, number: number): BinaryWriter {
  return writer.tag(number, WireType.LengthDelimited);
}
