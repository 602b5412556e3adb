// Retry (older form of MeshRetry).
import { type Static, Type } from 'typebox';
import { closed, oneOf, optionalCount, optionalProtoDuration, wrappedCount } from '../schema/shapes.ts';
import { defineConnectionPolicy } from './connection-policy.ts';
import { httpMethod } from './http-method.ts';

const backOff = Type.Optional(closed({ baseInterval: optionalProtoDuration, maxInterval: optionalProtoDuration }));

const conf = closed({
  http: Type.Optional(
    closed({
      numRetries: wrappedCount,
      perTryTimeout: optionalProtoDuration,
      backOff,
      retriableStatusCodes: Type.Optional(Type.Array(Type.Integer())),
      retriableMethods: Type.Optional(Type.Array(httpMethod)),
      retryOn: Type.Optional(
        Type.Array(
          oneOf(
            'all_5xx',
            'gateway_error',
            'reset',
            'connect_failure',
            'envoy_ratelimited',
            'retriable_4xx',
            'refused_stream',
            'retriable_status_codes',
            'retriable_headers',
            'http3_post_connect_failure',
          ),
        ),
      ),
    }),
  ),
  tcp: Type.Optional(closed({ maxConnectAttempts: optionalCount })),
  grpc: Type.Optional(
    closed({
      retryOn: Type.Optional(
        Type.Array(oneOf('cancelled', 'deadline_exceeded', 'internal', 'resource_exhausted', 'unavailable')),
      ),
      numRetries: wrappedCount,
      perTryTimeout: optionalProtoDuration,
      backOff,
    }),
  ),
});

/** Resource type of the older retries. */
export const retry = defineConnectionPolicy<Static<typeof conf>>({
  name: 'Retry',
  idle: { when: 'always', advice: 'use MeshRetry' },
  conf,
  check({ http, tcp, grpc }, violations) {
    if (http === undefined && tcp === undefined && grpc === undefined)
      violations.add('conf', 'missing protocol configuration');
    for (const [field, protocol] of Object.entries({ http, grpc })) {
      if (protocol === undefined) continue;
      if (Object.keys(protocol).length === 0) violations.add(`conf.${field}`, 'field cannot be empty');
      if (protocol.numRetries === 0)
        violations.add(`conf.${field}.numRetries`, 'has to be greater than 0 when defined');
    }
    if (tcp !== undefined && tcp.maxConnectAttempts === undefined) {
      violations.add('conf.tcp.maxConnectAttempts', 'has to be greater than 0');
    }
  },
});
