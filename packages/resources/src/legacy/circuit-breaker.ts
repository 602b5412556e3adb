// CircuitBreaker (older form of MeshCircuitBreaker).
import { type Static, Type } from 'typebox';
import { closed, optionalFlag, optionalProtoDuration, wrappedCount, wrappedNumber } from '../schema/shapes.ts';
import { defineConnectionPolicy } from './connection-policy.ts';

const errors = Type.Optional(closed({ consecutive: wrappedCount }));

const conf = closed({
  interval: optionalProtoDuration,
  baseEjectionTime: optionalProtoDuration,
  maxEjectionPercent: wrappedCount,
  splitExternalAndLocalErrors: optionalFlag,
  detectors: Type.Optional(
    closed({
      totalErrors: errors,
      gatewayErrors: errors,
      localErrors: errors,
      standardDeviation: Type.Optional(
        closed({ requestVolume: wrappedCount, minimumHosts: wrappedCount, factor: wrappedNumber }),
      ),
      failure: Type.Optional(
        closed({ requestVolume: wrappedCount, minimumHosts: wrappedCount, threshold: wrappedCount }),
      ),
    }),
  ),
  thresholds: Type.Optional(
    closed({
      maxConnections: wrappedCount,
      maxPendingRequests: wrappedCount,
      maxRetries: wrappedCount,
      maxRequests: wrappedCount,
    }),
  ),
});

/** Resource type of the older circuit breakers. */
export const circuitBreaker = defineConnectionPolicy<Static<typeof conf>>({
  name: 'CircuitBreaker',
  idle: { when: 'always', advice: 'use MeshCircuitBreaker' },
  conf,
  check({ detectors, thresholds, maxEjectionPercent }, violations) {
    if (Object.keys(detectors ?? {}).length === 0 && Object.keys(thresholds ?? {}).length === 0) {
      violations.add('conf', 'must have at least one of the detector or threshold configured');
    }
    if ((maxEjectionPercent ?? 0) > 100) violations.add('conf.maxEjectionPercent', 'has to be in [0.0 - 100.0] range');
  },
});
