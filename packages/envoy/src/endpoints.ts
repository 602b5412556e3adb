// Endpoint resources. The hot path of the mesh: they change with every instance that comes or goes, so they are encoded by hand.
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { internResource } from './encode.ts';
import type { EnvoyResource } from './resource.ts';

/** One address that serves a service. An object stands for its content: it must not be changed once it was encoded. */
export interface ServiceEndpoint {
  readonly address: string;
  readonly port: number;
  readonly weight: number;
  /** Tags that subsets and transport socket matches look at. */
  readonly tags: Readonly<Record<string, string>>;
  /** Labels of the proxy behind it; undefined where it has none. */
  readonly labels?: Readonly<Record<string, string>>;
}

/** Endpoints of one place. Envoy spreads over priority 0 first. */
export interface EndpointLocality {
  /** '' for endpoints that are in no place. */
  readonly zone: string;
  readonly subZone?: string;
  readonly priority?: number;
  readonly weight?: number;
  readonly endpoints: readonly ServiceEndpoint[];
}

const tag = (field: number, type: WireType): number => (field << 3) | type;
const nested = (field: number): number => tag(field, WireType.LengthDelimited);

function message(writer: BinaryWriter, field: number, write: (inner: BinaryWriter) => void): void {
  writer.uint32(nested(field)).fork();
  write(writer);
  writer.join();
}

function text(writer: BinaryWriter, field: number, value: string): void {
  if (value !== '') writer.uint32(nested(field)).string(value);
}

function number(writer: BinaryWriter, field: number, value: number): void {
  if (value !== 0) writer.uint32(tag(field, WireType.Varint)).uint32(value);
}

// google.protobuf.Struct: `fields` = 1, a map (key = 1, value = 2) of Values, whose `string_value` = 3.
function struct(writer: BinaryWriter, field: number, values: Readonly<Record<string, string>>): void {
  message(writer, field, () => {
    for (const key of Object.keys(values).sort()) {
      message(writer, 1, () => {
        text(writer, 1, key);
        message(writer, 2, () => writer.uint32(nested(3)).string(values[key] ?? ''));
      });
    }
  });
}

// envoy.config.core.v3.Metadata: `filter_metadata` = 1, a map of Structs by namespace.
function metadata(writer: BinaryWriter, field: number, endpoint: ServiceEndpoint, labels: boolean): void {
  const namespaces: [string, Readonly<Record<string, string>> | undefined][] = [
    ['envoy.lb', endpoint.tags],
    ['envoy.transport_socket_match', endpoint.tags],
    ['io.kuma.labels', labels ? endpoint.labels : undefined],
  ];
  const filled = namespaces.filter(([, values]) => values !== undefined && Object.keys(values).length > 0);
  if (filled.length === 0) return;
  message(writer, field, () => {
    for (const [namespace, values] of filled) {
      message(writer, 1, () => {
        text(writer, 1, namespace);
        struct(writer, 2, values ?? {});
      });
    }
  });
}

// envoy.config.endpoint.v3.LbEndpoint: endpoint = 1 {address = 1 {socket_address = 1 {address = 2, port_value = 3}}}, metadata = 3,
// load_balancing_weight = 4 (a wrapper, value = 1).
function encodeEndpoint(endpoint: ServiceEndpoint, labels: boolean): Uint8Array {
  const writer = new BinaryWriter();
  message(writer, 1, () =>
    message(writer, 1, () =>
      message(writer, 1, () => {
        text(writer, 2, endpoint.address);
        writer.uint32(tag(3, WireType.Varint)).uint32(endpoint.port);
      }),
    ),
  );
  metadata(writer, 3, endpoint, labels);
  message(writer, 4, () => number(writer, 1, endpoint.weight));
  return writer.finish();
}

// Each endpoint is encoded once in either form, however many clusters it stands in.
const withLabels = new WeakMap<ServiceEndpoint, Uint8Array>();
const withoutLabels = new WeakMap<ServiceEndpoint, Uint8Array>();

function endpointBytes(endpoint: ServiceEndpoint, labels: boolean): Uint8Array {
  const encoded = labels ? withLabels : withoutLabels;
  let bytes = encoded.get(endpoint);
  if (bytes === undefined) {
    bytes = encodeEndpoint(endpoint, labels);
    encoded.set(endpoint, bytes);
  }
  return bytes;
}

/** What holds for all endpoints of a cluster. */
export interface AssignmentOptions {
  /** In percent; undefined for Envoy's 140. */
  readonly overprovisioningFactor?: number | undefined;
  /** False to leave the labels of proxies out. Default true. */
  readonly labels?: boolean;
}

// envoy.config.endpoint.v3.ClusterLoadAssignment: cluster_name = 1, endpoints = 2 {locality = 1 {zone = 2, sub_zone = 3},
// lb_endpoints = 2, load_balancing_weight = 3, priority = 5}, policy = 4 {overprovisioning_factor = 3, a wrapper}.
/** The endpoint resource of a cluster. */
export function encodeEndpoints(
  cluster: string,
  localities: readonly EndpointLocality[],
  { overprovisioningFactor, labels = true }: AssignmentOptions = {},
): EnvoyResource {
  const writer = new BinaryWriter();
  text(writer, 1, cluster);
  for (const locality of localities) {
    message(writer, 2, () => {
      if (locality.zone !== '' || locality.subZone !== undefined) {
        message(writer, 1, () => {
          text(writer, 2, locality.zone);
          text(writer, 3, locality.subZone ?? '');
        });
      }
      for (const endpoint of locality.endpoints) writer.uint32(nested(2)).bytes(endpointBytes(endpoint, labels));
      const { weight } = locality;
      if (weight !== undefined) message(writer, 3, () => number(writer, 1, weight));
      number(writer, 5, locality.priority ?? 0);
    });
  }
  if (overprovisioningFactor !== undefined) {
    message(writer, 4, () => message(writer, 3, () => number(writer, 1, overprovisioningFactor)));
  }
  return internResource('endpoint', cluster, writer.finish(), 'outbound');
}
