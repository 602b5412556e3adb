// Timeout (older form of MeshTimeout).
import { Type } from 'typebox';
import { closed, optionalProtoDuration } from '../schema/shapes.ts';
import { defineConnectionPolicy } from './connection-policy.ts';

const conf = closed({
  connectTimeout: optionalProtoDuration,
  tcp: Type.Optional(closed({ idleTimeout: optionalProtoDuration })),
  http: Type.Optional(
    closed({
      requestTimeout: optionalProtoDuration,
      idleTimeout: optionalProtoDuration,
      streamIdleTimeout: optionalProtoDuration,
      maxStreamDuration: optionalProtoDuration,
    }),
  ),
  grpc: Type.Optional(closed({ streamIdleTimeout: optionalProtoDuration, maxStreamDuration: optionalProtoDuration })),
});

/** Resource type of the older timeouts. */
export const timeout = defineConnectionPolicy({
  name: 'Timeout',
  idle: { when: 'always', advice: 'use MeshTimeout' },
  conf,
});
