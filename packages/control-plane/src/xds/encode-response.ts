// Discovery responses onto the wire. A response is a small head and, for each resource, its own head and its shared bytes: nothing is
// encoded per proxy, and no resource is copied to be framed.
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { type EnvoyResource, type EnvoyType, typeUrls } from '@ursa/envoy';
import type { Update } from '../delta/conversation.ts';

// What stands before a resource's bytes. Kept as long as the resource lives, and the same for all proxies that get it.
const incrementalHeads = new WeakMap<EnvoyResource, Uint8Array>();
const stateHeads = new WeakMap<EnvoyResource, Uint8Array>();

// Its buffer stays when a head is finished, so that each head does not have one made.
const head = new BinaryWriter();

/** A `DeltaDiscoveryResponse`, in parts. */
export function encodeIncremental(type: EnvoyType, update: Update<EnvoyResource>): readonly Uint8Array[] {
  field(head, 4).string(typeUrls[type]);
  field(head, 5).string(update.nonce);
  for (const name of update.removed) field(head, 6).string(name);
  return withResources(head.finish(), update.resources, incrementalHeads, incrementalHead);
}

/** A `DiscoveryResponse`, in parts. Its version is the nonce: this protocol compares neither. */
export function encodeStateOfTheWorld(type: EnvoyType, update: Update<EnvoyResource>): readonly Uint8Array[] {
  field(head, 1).string(update.nonce);
  field(head, 4).string(typeUrls[type]);
  field(head, 5).string(update.nonce);
  return withResources(head.finish(), update.resources, stateHeads, stateHead);
}

function withResources(
  head: Uint8Array,
  resources: readonly EnvoyResource[],
  heads: WeakMap<EnvoyResource, Uint8Array>,
  make: (resource: EnvoyResource) => Uint8Array,
): readonly Uint8Array[] {
  const parts = [head];
  for (const resource of resources) {
    let before = heads.get(resource);
    if (before === undefined) {
      before = make(resource);
      heads.set(resource, before);
    }
    parts.push(before, resource.bytes);
  }
  return parts;
}

/** Field 2 of the response: a `Resource` with version and name, and then, last, the message in an `Any`. */
function incrementalHead(resource: EnvoyResource): Uint8Array {
  const names = new BinaryWriter();
  field(names, 1).string(resource.version);
  field(names, 3).string(resource.name);
  const any = anyHead(resource);
  const anyLength = any.length + resource.bytes.length;
  field(names, 2).uint32(anyLength);
  const own = names.finish();
  const head = field(new BinaryWriter(), 2).uint32(own.length + anyLength);
  return head.raw(own).raw(any).finish();
}

/** Field 2 of the response: the message in an `Any`. */
function stateHead(resource: EnvoyResource): Uint8Array {
  const any = anyHead(resource);
  return field(new BinaryWriter(), 2)
    .uint32(any.length + resource.bytes.length)
    .raw(any)
    .finish();
}

/** An `Any` up to its value. */
function anyHead(resource: EnvoyResource): Uint8Array {
  const any = new BinaryWriter();
  field(any, 1).string(typeUrls[resource.type]);
  field(any, 2).uint32(resource.bytes.length);
  return any.finish();
}

function field(writer: BinaryWriter, number: number): BinaryWriter {
  return writer.tag(number, WireType.LengthDelimited);
}
