// What a MeshRetry can say.
import { closed, duration, int32, oneOf, stringMap, uint32 } from '@ursa/resources';
import { type Static, Type } from 'typebox';
import { headerMatch } from '../conf/headers.ts';

const backOff = closed({
  baseInterval: Type.Optional(duration('Before the first retry. Default 25ms.')),
  maxInterval: Type.Optional(duration('The longest wait. Default ten times the base.')),
});

const rateLimitedBackOff = closed({
  resetHeaders: Type.Optional(
    Type.Array(closed({ name: Type.String({ minLength: 1 }), format: oneOf('Seconds', 'UnixTimestamp') })),
  ),
  maxInterval: Type.Optional(duration('The longest wait a response may ask for. Default 300s.')),
});

const hostSelection = closed({
  predicate: oneOf('OmitPreviousHosts', 'OmitHostsWithTags', 'OmitPreviousPriorities'),
  tags: Type.Optional(stringMap()),
  updateFrequency: Type.Optional(int32({ default: 2 })),
});

const http = closed({
  numRetries: Type.Optional(uint32()),
  perTryTimeout: Type.Optional(duration('For each try. Default: the timeout of the whole request.')),
  backOff: Type.Optional(backOff),
  rateLimitedBackOff: Type.Optional(rateLimitedBackOff),
  retryOn: Type.Optional(Type.Array(Type.String())),
  retriableRequestHeaders: Type.Optional(Type.Array(headerMatch)),
  retriableResponseHeaders: Type.Optional(Type.Array(headerMatch)),
  hostSelection: Type.Optional(Type.Array(hostSelection)),
  hostSelectionMaxAttempts: Type.Optional(Type.Integer({ minimum: -(2 ** 63) })),
});

const grpc = closed({
  numRetries: Type.Optional(uint32()),
  perTryTimeout: Type.Optional(duration('For each try. Default: the timeout of the whole request.')),
  backOff: Type.Optional(backOff),
  rateLimitedBackOff: Type.Optional(rateLimitedBackOff),
  retryOn: Type.Optional(
    Type.Array(oneOf('Canceled', 'DeadlineExceeded', 'Internal', 'ResourceExhausted', 'Unavailable')),
  ),
});

/** Conf of the policy. */
export const retryConf = closed({
  tcp: Type.Optional(closed({ maxConnectAttempt: Type.Optional(uint32()) })),
  http: Type.Optional(http),
  grpc: Type.Optional(grpc),
});

export type RetryConf = Static<typeof retryConf>;
export type HttpRetry = Static<typeof http>;
export type GrpcRetry = Static<typeof grpc>;
