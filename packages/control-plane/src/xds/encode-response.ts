// Discovery responses onto the wire. A response is a small head and a body: for each resource its own head and its shared bytes. Nothing is encoded
// per proxy, and proxies that are sent the same resources share the body.
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { type EnvoyResource, type EnvoyType, typeUrls } from '@ursa/envoy';
import type { Update } from '../delta/conversation.ts';

/** How one protocol writes resources down, and what of it is known. */
interface Form {
  readonly headOf: (resource: EnvoyResource) => Uint8Array;
  /** What stands before a resource's bytes. Kept as long as the resource lives, and the same for all proxies that get it. */
  readonly heads: WeakMap<EnvoyResource, Uint8Array>;
  /**
   * By the first of its resources the last body, while it is on its way to some proxy. A change concerns all proxies of a class, and what Envoy gets
   * of it may be a quarter of a megabyte for each.
   */
  readonly bodies: WeakMap<EnvoyResource, WeakRef<Uint8Array>>;
}

const incremental: Form = { headOf: incrementalHead, heads: new WeakMap(), bodies: new WeakMap() };
const stateOfTheWorld: Form = { headOf: stateHead, heads: new WeakMap(), bodies: new WeakMap() };
const resourcesIn = new WeakMap<Uint8Array, readonly EnvoyResource[]>();

// Its buffer stays when a head is finished, so that each head does not have one made.
const head = new BinaryWriter();

/** A `DeltaDiscoveryResponse` in parts, of which only the last can be large. */
export function encodeIncremental(type: EnvoyType, update: Update<EnvoyResource>): readonly Uint8Array[] {
  field(head, 4).string(typeUrls[type]);
  field(head, 5).string(update.nonce);
  for (const name of update.removed) field(head, 6).string(name);
  return withResources(head.finish(), update.resources, incremental);
}

/** A `DiscoveryResponse` in parts, of which only the last can be large. Its version is the nonce: this protocol compares neither. */
export function encodeStateOfTheWorld(type: EnvoyType, update: Update<EnvoyResource>): readonly Uint8Array[] {
  field(head, 1).string(update.nonce);
  field(head, 4).string(typeUrls[type]);
  field(head, 5).string(update.nonce);
  return withResources(head.finish(), update.resources, stateOfTheWorld);
}

function withResources(head: Uint8Array, resources: readonly EnvoyResource[], form: Form): readonly Uint8Array[] {
  const [first] = resources;
  if (first === undefined) return [head];
  if (resources.length === 1) return [head, headFor(first, form), first.bytes];
  const known = form.bodies.get(first)?.deref();
  if (known !== undefined && isSame(resourcesIn.get(known), resources)) return [head, known];
  const body = Buffer.concat(resources.flatMap((resource) => [headFor(resource, form), resource.bytes]));
  form.bodies.set(first, new WeakRef(body));
  resourcesIn.set(body, resources);
  return [head, body];
}

function isSame(some: readonly EnvoyResource[] | undefined, others: readonly EnvoyResource[]): boolean {
  return some?.length === others.length && others.every((resource, position) => resource === some[position]);
}

function headFor(resource: EnvoyResource, { headOf, heads }: Form): Uint8Array {
  let head = heads.get(resource);
  if (head === undefined) {
    head = headOf(resource);
    heads.set(resource, head);
  }
  return head;
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
