// Discovery requests off the wire. Read by hand: the node is decoded only when it is there, and lists are bounded while they are read.
import { fromBinary } from '@bufbuild/protobuf';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { MeshError } from '@ursa/resources';
import { type Node, NodeSchema } from '../../../envoy/gen/envoy/config/core/v3/base_pb.ts';
import type { DiscoveryRequest } from '../delta/conversation.ts';

/** A request and whom and what it is about. */
export interface DecodedRequest extends DiscoveryRequest {
  readonly typeUrl: string;
  /** Only Envoy's first request of a stream carries it. */
  readonly node: Node | undefined;
}

/** Names in one request; more are refused before they are read. */
export const namesPerRequest = 20_000;

/** Field numbers of one of the two request messages; a message without a field has 0. */
interface RequestFields {
  readonly node: number;
  readonly typeUrl: number;
  readonly names: number;
  readonly dropped: number;
  readonly held: number;
  readonly nonce: number;
  readonly error: number;
  readonly version: number;
}

const none = 0;
const incrementalFields: RequestFields = {
  ...{ node: 1, typeUrl: 2, names: 3, dropped: 4, held: 5, nonce: 6, error: 7 },
  version: none,
};
const stateOfTheWorldFields: RequestFields = {
  ...{ version: 1, node: 2, names: 3, typeUrl: 4, nonce: 5, error: 6 },
  dropped: none,
  held: none,
};

/** Reads a `DeltaDiscoveryRequest`. Throws `MeshError('invalid')` for bytes that are none. */
export function decodeIncremental(bytes: Uint8Array): DecodedRequest {
  return decode(bytes, incrementalFields);
}

/** Reads a `DiscoveryRequest`. Throws `MeshError('invalid')` for bytes that are none. */
export function decodeStateOfTheWorld(bytes: Uint8Array): DecodedRequest {
  return decode(bytes, stateOfTheWorldFields);
}

function decode(bytes: Uint8Array, fields: RequestFields): DecodedRequest {
  try {
    return read(bytes, fields);
  } catch (error) {
    if (error instanceof MeshError) throw error;
    throw new MeshError('invalid', 'the discovery request is not a valid protobuf message', { cause: error });
  }
}

function read(bytes: Uint8Array, fields: RequestFields): DecodedRequest {
  const reader = new BinaryReader(bytes);
  const names: string[] = [];
  const dropped: string[] = [];
  const held = new Map<string, string>();
  let typeUrl = '';
  let nonce = '';
  let version = '';
  let error: string | undefined;
  let node: Node | undefined;
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (wireType !== WireType.LengthDelimited) reader.skip(wireType, field);
    else if (field === fields.names) names.push(reader.string());
    else if (field === fields.typeUrl) typeUrl = reader.string();
    else if (field === fields.nonce) nonce = reader.string();
    else if (field === fields.node) node = readNode(reader.bytes());
    else if (field === fields.version) version = reader.string();
    else if (field === fields.error) error = readErrorMessage(reader.bytes());
    else if (field === fields.dropped) dropped.push(reader.string());
    else if (field === fields.held) readEntry(reader.bytes(), held);
    else reader.skip(wireType, field);
    if (names.length + dropped.length + held.size > namesPerRequest) {
      throw new MeshError('too-large', `the request names more than ${namesPerRequest} resources`);
    }
  }
  return { typeUrl, node, nonce, error, names, dropped, held, ...(version === '' ? {} : { version }) };
}

/** Bytes of a node: Envoy's has some ten KiB of extensions, and the proxy's own resource. */
const largestNode = 384 * 1024;

function readNode(bytes: Uint8Array): Node {
  if (bytes.length <= largestNode) return fromBinary(NodeSchema, bytes);
  throw new MeshError('too-large', `the node has ${bytes.length} bytes; at most ${largestNode} are read`);
}

const longestErrorMessage = 16 * 1024;

function readText(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes.subarray(0, longestErrorMessage));
}

/** `message` of a `google.rpc.Status`, its beginning when it is long. */
function readErrorMessage(bytes: Uint8Array): string {
  const reader = new BinaryReader(bytes);
  let message = '';
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    // Searched for the names of all resources: as long as Envoy's words are, and no longer.
    if (field === 2 && wireType === WireType.LengthDelimited) message = readText(reader.bytes());
    else reader.skip(wireType, field);
  }
  return message;
}

/** One entry of a map from string to string. */
function readEntry(bytes: Uint8Array, into: Map<string, string>): void {
  const reader = new BinaryReader(bytes);
  let key = '';
  let value = '';
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === 1 && wireType === WireType.LengthDelimited) key = reader.string();
    else if (field === 2 && wireType === WireType.LengthDelimited) value = reader.string();
    else reader.skip(wireType, field);
  }
  into.set(key, value);
}
