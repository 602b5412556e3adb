// The smallest parts that all builders share: Any, durations, addresses, metadata.
import { create, type DescMessage, type JsonObject, type MessageShape } from '@bufbuild/protobuf';
import { type Any, anyPack, type Duration, DurationSchema } from '@bufbuild/protobuf/wkt';
import {
  type Address,
  AddressSchema,
  type BindConfig,
  BindConfigSchema,
  SocketAddress_Protocol,
} from '../gen/envoy/config/core/v3/address_pb.ts';
import {
  type DataSource,
  DataSourceSchema,
  type Metadata,
  MetadataSchema,
} from '../gen/envoy/config/core/v3/base_pb.ts';
import { ApiVersion, type ConfigSource, ConfigSourceSchema } from '../gen/envoy/config/core/v3/config_source_pb.ts';

/** A message packed for an extension point. */
export function pack<Desc extends DescMessage>(schema: Desc, message: MessageShape<Desc>): Any {
  return anyPack(schema, message);
}

/** A duration of so many milliseconds. */
export function durationOf(milliseconds: number): Duration {
  const seconds = Math.floor(milliseconds / 1000);
  return create(DurationSchema, { seconds: BigInt(seconds), nanos: Math.round((milliseconds - seconds * 1000) * 1e6) });
}

/** An IP address and a port. */
export function socketAddress(address: string, port: number, transport: 'TCP' | 'UDP' = 'TCP'): Address {
  const value = {
    address,
    protocol: SocketAddress_Protocol[transport],
    portSpecifier: { case: 'portValue' as const, value: port },
  };
  return create(AddressSchema, { address: { case: 'socketAddress', value } });
}

/** A Unix domain socket. */
export function pipeAddress(path: string): Address {
  return create(AddressSchema, { address: { case: 'pipe', value: { path } } });
}

/** Where connections of a cluster come from. */
export function bindTo(address: string): BindConfig {
  return create(BindConfigSchema, { sourceAddress: { address, portSpecifier: { case: 'portValue', value: 0 } } });
}

/** Entries of a record in the order of their keys, so that equal records are encoded to equal bytes. */
export function sortedRecord<Value>(record: Readonly<Record<string, Value>>): Record<string, Value> {
  const entries = Object.entries(record).sort(([first], [second]) => (first < second ? -1 : 1));
  return Object.fromEntries(entries);
}

/**
 * Metadata by namespace. protobuf-es takes google.protobuf.Struct as plain JSON; the shape `{fields: …}` of other libraries would be
 * encoded as wrong metadata without an error, so all metadata is made here.
 */
export function metadataOf(namespaces: Readonly<Record<string, JsonObject>>): Metadata {
  const filterMetadata: Record<string, JsonObject> = {};
  for (const [namespace, values] of Object.entries(sortedRecord(namespaces)))
    filterMetadata[namespace] = sortedRecord(values);
  return create(MetadataSchema, { filterMetadata });
}

/** "Ask the stream that you are on". */
export function aggregatedSource(): ConfigSource {
  return create(ConfigSourceSchema, {
    resourceApiVersion: ApiVersion.V3,
    configSourceSpecifier: { case: 'ads', value: {} },
  });
}

/** Text given with the configuration itself, as bytes. */
export function inlineText(text: string): DataSource {
  return create(DataSourceSchema, { specifier: { case: 'inlineBytes', value: new TextEncoder().encode(text) } });
}
