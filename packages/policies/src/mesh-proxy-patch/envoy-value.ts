// Envoy's resources as users write them into a patch: YAML in the form of protobuf's JSON, with names in either spelling.
import { type DescMessage, fromJson, type JsonValue, type MessageShape } from '@bufbuild/protobuf';
import { registry } from '@ursa/envoy';
import { ClusterSchema } from '@ursa/envoy/gen/envoy/config/cluster/v3/cluster_pb.ts';
import { FilterSchema } from '@ursa/envoy/gen/envoy/config/listener/v3/listener_components_pb.ts';
import { ListenerSchema } from '@ursa/envoy/gen/envoy/config/listener/v3/listener_pb.ts';
import { VirtualHostSchema } from '@ursa/envoy/gen/envoy/config/route/v3/route_components_pb.ts';
import { HttpFilterSchema } from '@ursa/envoy/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts';
import { parseYamlDocuments } from '@ursa/resources';

/** What each kind of modification speaks of. */
export const valueSchemas = {
  cluster: ClusterSchema,
  listener: ListenerSchema,
  networkFilter: FilterSchema,
  httpFilter: HttpFilterSchema,
  virtualHost: VirtualHostSchema,
} as const;

/** A kind of modification. */
export type Kind = keyof typeof valueSchemas;

/** In characters. A patch is text in a text: the whole resource is bounded by the border that it came through. */
const maximumLength = 256 * 1024;

// Confs are shared and frozen, so that what was read from one holds as long as the conf lives.
const parsed = new WeakMap<object, unknown>();

/** Reads a text. Throws with what is wrong with it: broken YAML, a field or a type that Envoy does not have, a wrong value. */
export function parseValue<Desc extends DescMessage>(schema: Desc, text: string): MessageShape<Desc> {
  const documents = parseYamlDocuments(text, { source: 'value', maximumLength, maximumAliases: 0 });
  if (documents.length > 1) throw new Error('holds several YAML documents: expected one');
  return fromJson(schema, (documents[0]?.value ?? {}) as JsonValue, { registry });
}

/** The message of a modification; read once. It is shared: who changes it works on a clone. */
export function valueFrom<Of extends Kind>(
  kind: Of,
  change: { readonly value?: string },
): MessageShape<(typeof valueSchemas)[Of]> {
  const known = parsed.get(change);
  if (known !== undefined) return known as MessageShape<(typeof valueSchemas)[Of]>;
  const schema: DescMessage = valueSchemas[kind];
  const message = parseValue(schema, change.value ?? '') as MessageShape<(typeof valueSchemas)[Of]>;
  parsed.set(change, message);
  return message;
}
