// What a MeshHealthCheck can say.
import { closed, duration, int32, intOrString } from '@ursa/resources';
import { type Static, Type } from 'typebox';
import { headersToWrite } from '../conf/headers.ts';

const disabled = Type.Optional(Type.Boolean({ description: 'Switches off what wider policies say.' }));

const tcp = closed({
  disabled,
  send: Type.Optional(Type.String()),
  receive: Type.Optional(Type.Array(Type.String())),
});

const http = closed({
  disabled,
  path: Type.Optional(Type.String()),
  requestHeadersToAdd: Type.Optional(headersToWrite),
  expectedStatuses: Type.Optional(Type.Array(int32())),
});

const grpc = closed({
  disabled,
  serviceName: Type.Optional(Type.String()),
  authority: Type.Optional(Type.String()),
});

/** Conf of the policy. */
export const healthCheckConf = closed({
  interval: Type.Optional(duration('Between two checks. Default 1m.')),
  timeout: Type.Optional(duration('For an answer. Default 15s.')),
  unhealthyThreshold: Type.Optional(int32()),
  healthyThreshold: Type.Optional(int32()),
  initialJitter: Type.Optional(duration('The first check comes after a random time up to this.')),
  intervalJitter: Type.Optional(duration('Added at random to each interval.')),
  intervalJitterPercent: Type.Optional(int32()),
  healthyPanicThreshold: Type.Optional(intOrString()),
  failTrafficOnPanic: Type.Optional(Type.Boolean()),
  eventLogPath: Type.Optional(Type.String()),
  alwaysLogHealthCheckFailures: Type.Optional(Type.Boolean()),
  noTrafficInterval: Type.Optional(duration('Between two checks while there was no traffic yet. Default 60s.')),
  tcp: Type.Optional(tcp),
  http: Type.Optional(http),
  grpc: Type.Optional(grpc),
  reuseConnection: Type.Optional(Type.Boolean()),
});

export type HealthCheckConf = Static<typeof healthCheckConf>;
export type TcpCheckConf = Static<typeof tcp>;
export type HttpCheckConf = Static<typeof http>;
export type GrpcCheckConf = Static<typeof grpc>;
