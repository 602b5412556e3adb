// Many proxies without Envoy, as one program: each has a connection of its own, registers itself, subscribes as Envoy does, acknowledges all it
// gets, and comes back after a random pause when its stream breaks. Spoken to over the channel to its parent: `report` and `stop`.
import { type ClientHttp2Session, connect } from 'node:http2';
import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { type EnvoyType, typeUrls } from '@ursa/envoy';
import { ClusterSchema } from '../../packages/envoy/gen/envoy/config/cluster/v3/cluster_pb.ts';
import {
  DeltaDiscoveryRequestSchema,
  type DeltaDiscoveryResponse,
  DeltaDiscoveryResponseSchema,
} from '../../packages/envoy/gen/envoy/service/discovery/v3/discovery_pb.ts';
import type { FleetPlan, FleetReport } from './fleet.ts';
import { dataplaneOf } from './fleet-dataplane.ts';

const plan: FleetPlan = JSON.parse(process.argv[2] ?? '{}');
const path = '/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources';
/** Why streams ended, with how often. */
const endings: Record<string, number> = {};
const counts = { connected: 0, streams: 0, removed: 0, updates: 0 };
/** When something arrived, in milliseconds since 1970; kept since the last report. */
let arrivals: number[] = [];
const endpointNames = new Map<string, string | undefined>();
let stopping = false;
// Milliseconds; Envoy's for a stream of gRPC.
const firstPause = 500;

type Request = MessageInitShape<typeof DeltaDiscoveryRequestSchema>;

function framed(message: Uint8Array): Buffer {
  const frame = Buffer.alloc(5 + message.length);
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, 5);
  return frame;
}

/** Name under which a cluster asks for its endpoints; read once for each version. */
function endpointNameOf(bytes: Uint8Array, key: string): string | undefined {
  if (!endpointNames.has(key)) {
    const cluster = fromBinary(ClusterSchema, bytes);
    const isEds = cluster.edsClusterConfig !== undefined;
    endpointNames.set(key, isEds ? cluster.edsClusterConfig?.serviceName || cluster.name : undefined);
  }
  return endpointNames.get(key);
}

/** One proxy, which comes back for ever. */
function run(index: number): void {
  const { name, ...dataplane } = dataplaneOf(index, plan);
  const known = new Map<EnvoyType, Map<string, string>>();
  const endpoints = new Set<string>();
  let attempts = 0;
  const node = {
    id: `default.${name}`,
    cluster: name,
    metadata: {
      'dataplane.resource': JSON.stringify({ name, ...dataplane }),
      'dataplane.proxyType': 'dataplane',
      features: ['feature-delta-grpc'],
    },
  };
  const versionsOf = (type: EnvoyType): Record<string, string> => Object.fromEntries(known.get(type) ?? []);

  const follow = (session: ClientHttp2Session): void => {
    const stream = session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
      authorization: plan.token,
    });
    const send = (request: Request): void =>
      void stream.write(framed(toBinary(DeltaDiscoveryRequestSchema, create(DeltaDiscoveryRequestSchema, request))));
    let rest = Buffer.alloc(0);
    let listening = false;
    const receive = (response: DeltaDiscoveryResponse): void => {
      attempts = 0;
      const found = Object.entries(typeUrls).find(([, url]) => url === response.typeUrl);
      const type = (found?.[0] ?? 'cluster') as EnvoyType;
      const versions = known.get(type) ?? new Map<string, string>();
      known.set(type, versions);
      counts.updates += 1;
      arrivals.push(Date.now());
      for (const { name: resource, version, resource: content } of response.resources) {
        versions.set(resource, version);
        if (type !== 'cluster' || content === undefined) continue;
        const wanted = endpointNameOf(content.value, `${resource} ${version}`);
        if (wanted !== undefined) endpoints.add(wanted);
      }
      for (const gone of response.removedResources) versions.delete(gone);
      if (type === 'cluster' || type === 'listener') counts.removed += response.removedResources.length;
      send({ typeUrl: response.typeUrl, responseNonce: response.nonce });
      if (type !== 'cluster' || listening) return;
      listening = true;
      subscribeToTheRest();
    };
    const subscribeToTheRest = (): void => {
      send({
        typeUrl: typeUrls.endpoint,
        resourceNamesSubscribe: [...endpoints],
        initialResourceVersions: versionsOf('endpoint'),
      });
      send({ typeUrl: typeUrls.listener, initialResourceVersions: versionsOf('listener') });
    };
    stream.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk]);
      while (rest.length >= 5 && rest.length >= 5 + rest.readUInt32BE(1)) {
        const end = 5 + rest.readUInt32BE(1);
        receive(fromBinary(DeltaDiscoveryResponseSchema, rest.subarray(5, end)));
        rest = rest.subarray(end);
      }
    });
    let ending = 'the connection was lost';
    const take = (headers: Readonly<Record<string, unknown>>): void => {
      if (headers['grpc-status'] !== undefined)
        ending = `${headers['grpc-status']} ${decodeURIComponent(String(headers['grpc-message'] ?? ''))}`;
    };
    stream.on('response', take);
    stream.on('trailers', take);
    stream.on('error', () => undefined);
    stream.on('close', () => {
      endings[ending] = (endings[ending] ?? 0) + 1;
      session.destroy();
    });
    counts.connected += 1;
    counts.streams += 1;
    session.once('close', () => {
      counts.connected -= 1;
    });
    send({ node, typeUrl: typeUrls.cluster, initialResourceVersions: versionsOf('cluster') });
    // After a reconnect there may be nothing new among the clusters, and no answer.
    if (endpoints.size > 0) {
      listening = true;
      subscribeToTheRest();
    }
  };

  // As Envoy: a random part of a time that doubles with each attempt, until something was received.
  const reconnect = (): void => {
    if (stopping) return;
    const session = connect(plan.url, { rejectUnauthorized: false });
    session.on('error', () => undefined);
    session.once('connect', () => follow(session));
    session.once('close', () => {
      setTimeout(reconnect, Math.random() * Math.min(plan.pause, firstPause * 2 ** attempts));
      attempts += 1;
    });
  };
  setTimeout(reconnect, Math.random() * plan.spread);
}

function report(): FleetReport {
  const since = arrivals;
  arrivals = [];
  return { ...counts, endings, arrivals: since };
}

for (let index = 0; index < plan.size; index += 1) run(index + plan.first);

process.on('message', (word) => {
  if (word === 'report') process.send?.(report());
  if (word !== 'stop') return;
  stopping = true;
  process.send?.(report(), () => process.exit(0));
});
process.on('disconnect', () => process.exit(1));
