// HealthCheck (older form of MeshHealthCheck).
import { type Static, Type } from 'typebox';
import {
  closed,
  optionalCount,
  optionalProtoDuration,
  optionalText,
  wrappedFlag,
  wrappedNumber,
} from '../schema/shapes.ts';
import { defineConnectionPolicy, requireDuration } from './connection-policy.ts';

const bytes = Type.String({ format: 'byte' });

const conf = closed({
  interval: optionalProtoDuration,
  timeout: optionalProtoDuration,
  unhealthyThreshold: optionalCount,
  healthyThreshold: optionalCount,
  initialJitter: optionalProtoDuration,
  intervalJitter: optionalProtoDuration,
  intervalJitterPercent: optionalCount,
  healthyPanicThreshold: wrappedNumber,
  failTrafficOnPanic: wrappedFlag,
  eventLogPath: optionalText,
  alwaysLogHealthCheckFailures: wrappedFlag,
  noTrafficInterval: optionalProtoDuration,
  tcp: Type.Optional(closed({ send: Type.Optional(bytes), receive: Type.Optional(Type.Array(bytes)) })),
  http: Type.Optional(
    closed({
      path: optionalText,
      requestHeadersToAdd: Type.Optional(
        Type.Array(
          closed({ header: Type.Optional(closed({ key: optionalText, value: optionalText })), append: wrappedFlag }),
        ),
      ),
      expectedStatuses: Type.Optional(Type.Array(Type.Integer())),
    }),
  ),
  reuseConnection: wrappedFlag,
});

/** Resource type of the older health checks. */
export const healthCheck = defineConnectionPolicy<Static<typeof conf>>({
  name: 'HealthCheck',
  idle: { when: 'always', advice: 'use MeshHealthCheck' },
  conf,
  check(checked, violations) {
    requireDuration(violations, 'conf.interval', checked.interval);
    requireDuration(violations, 'conf.timeout', checked.timeout);
    for (const field of ['unhealthyThreshold', 'healthyThreshold'] as const) {
      if (checked[field] === undefined) violations.add(`conf.${field}`, 'must have a positive value');
    }
    if (checked.http !== undefined && checked.http.path === undefined)
      violations.add('conf.http.path', 'has to be defined and cannot be empty');
    for (const [index, status] of (checked.http?.expectedStatuses ?? []).entries()) {
      if (status < 100 || status > 599)
        violations.add(`conf.http.expectedStatuses[${index}]`, 'must be in range [100, 600)');
    }
  },
});
