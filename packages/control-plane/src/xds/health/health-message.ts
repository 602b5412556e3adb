// What Envoy says on its health stream: first who it is, then what its probes have found. Bounded before it is decoded.
import { fromBinary } from '@bufbuild/protobuf';
import { MeshError } from '@ursa/resources';
import { HealthStatus } from '../../../../envoy/gen/envoy/config/core/v3/health_check_pb.ts';
import { HealthCheckRequestOrEndpointHealthResponseSchema } from '../../../../envoy/gen/envoy/service/health/v3/hds_pb.ts';
import { type ProxyNode, parseProxyNode } from '../proxy-node.ts';

/** What a probe has found. */
export type ProbeFinding = 'healthy' | 'unhealthy' | 'timeout';

/** A message of the stream. Findings are by the name under which the probe was asked for. */
export type HealthMessage =
  | { readonly kind: 'introduction'; readonly node: ProxyNode }
  | { readonly kind: 'report'; readonly findings: ReadonlyMap<string, ProbeFinding> };

/** Bytes of a node with its extensions and the proxy's own resource; reports of a thousand probes have a third of that. */
const largestMessage = 384 * 1024;

const findings: Readonly<Record<number, ProbeFinding>> = {
  [HealthStatus.HEALTHY]: 'healthy',
  [HealthStatus.DEGRADED]: 'healthy',
  [HealthStatus.UNHEALTHY]: 'unhealthy',
  [HealthStatus.DRAINING]: 'unhealthy',
  [HealthStatus.TIMEOUT]: 'timeout',
};

/** Reads a message. Throws `MeshError`: it is too large, none, or says nothing. */
export function readHealthMessage(bytes: Uint8Array): HealthMessage {
  if (bytes.length > largestMessage) {
    throw new MeshError('too-large', `a message of ${bytes.length} bytes; at most ${largestMessage} are read`);
  }
  const { requestType } = decoded(bytes);
  if (requestType.case === 'healthCheckRequest') {
    const { node } = requestType.value;
    if (node === undefined) throw new MeshError('invalid', 'the first message of a stream must carry the node');
    return { kind: 'introduction', node: parseProxyNode(node) };
  }
  if (requestType.case === undefined)
    throw new MeshError('invalid', 'neither a request for health checks nor a report');
  const found = new Map<string, ProbeFinding>();
  for (const { clusterName, localityEndpointsHealth } of requestType.value.clusterEndpointsHealth) {
    // One endpoint each is asked for.
    const status = localityEndpointsHealth[0]?.endpointsHealth[0]?.healthStatus;
    const finding = status === undefined ? undefined : findings[status];
    if (finding !== undefined) found.set(clusterName, finding);
  }
  return { kind: 'report', findings: found };
}

function decoded(bytes: Uint8Array) {
  try {
    return fromBinary(HealthCheckRequestOrEndpointHealthResponseSchema, bytes);
  } catch (cause) {
    throw new MeshError('invalid', 'the message is not one of health discovery', { cause });
  }
}
