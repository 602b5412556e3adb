// RateLimit (older form of MeshRateLimit).
import { type Static, Type } from 'typebox';
import {
  closed,
  optionalCount,
  optionalProtoDuration,
  optionalText,
  wrappedCount,
  wrappedFlag,
} from '../schema/shapes.ts';
import { defineConnectionPolicy } from './connection-policy.ts';

const conf = closed({
  http: Type.Optional(
    closed({
      requests: optionalCount,
      interval: optionalProtoDuration,
      onRateLimit: Type.Optional(
        closed({
          status: wrappedCount,
          headers: Type.Optional(Type.Array(closed({ key: optionalText, value: optionalText, append: wrappedFlag }))),
        }),
      ),
    }),
  ),
});

/** Resource type of the older rate limits. */
export const rateLimit = defineConnectionPolicy<Static<typeof conf>>({
  name: 'RateLimit',
  idle: { when: 'always', advice: 'use MeshRateLimit' },
  conf,
  destinations: 'tags',
  check({ http }, violations) {
    if (http === undefined) return;
    if (http.requests === undefined) violations.add('conf.http.requests', 'requests must be set');
    if (http.interval === undefined) violations.add('conf.http.interval', 'interval must be set');
  },
});
