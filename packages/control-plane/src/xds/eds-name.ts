// Which endpoints a cluster waits for, read from its encoded form.
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import type { EnvoyResource } from '@ursa/envoy';

// envoy.config.cluster.v3.Cluster
const nameField = 1;
const typeField = 2;
const edsConfigField = 3;
const edsType = 3;
// envoy.config.cluster.v3.Cluster.EdsClusterConfig
const serviceNameField = 2;

const known = new WeakMap<EnvoyResource, string>();

/** Name of the `ClusterLoadAssignment` a cluster needs; '' when it is not an EDS cluster or its bytes cannot be read. */
export function edsNameOf(cluster: EnvoyResource): string {
  let name = known.get(cluster);
  if (name === undefined) {
    try {
      name = readEdsName(cluster.bytes);
    } catch {
      name = '';
    }
    known.set(cluster, name);
  }
  return name;
}

function readEdsName(bytes: Uint8Array): string {
  const reader = new BinaryReader(bytes);
  let name = '';
  let serviceName = '';
  let eds = false;
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === nameField && wireType === WireType.LengthDelimited) name = reader.string();
    else if (field === typeField && wireType === WireType.Varint) eds = reader.int32() === edsType;
    else if (field === edsConfigField && wireType === WireType.LengthDelimited)
      serviceName = readServiceName(reader.bytes());
    else reader.skip(wireType, field);
  }
  return eds ? serviceName || name : '';
}

function readServiceName(bytes: Uint8Array): string {
  const reader = new BinaryReader(bytes);
  let name = '';
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === serviceNameField && wireType === WireType.LengthDelimited) name = reader.string();
    else reader.skip(wireType, field);
  }
  return name;
}
