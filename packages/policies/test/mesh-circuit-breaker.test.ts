import assert from 'node:assert/strict';
import { test } from 'node:test';
import { meshCircuitBreaker } from '../src/mesh-circuit-breaker/mesh-circuit-breaker.ts';
import { clusterDraft, inboundPlace, outboundPlace } from './drafts.ts';

const { hooks } = meshCircuitBreaker;

function shaped(conf: unknown) {
  const cluster = clusterDraft();
  const { proxy, protocol } = outboundPlace('http');
  hooks.cluster?.({ proxy, protocol, cluster }, conf);
  return cluster.message;
}

test('limits that are given are set, the others are left to Envoy', () => {
  const [thresholds] =
    shaped({ connectionLimits: { maxConnections: 2, maxRequests: 0 } }).circuitBreakers?.thresholds ?? [];
  assert.deepEqual(
    [thresholds?.maxConnections, thresholds?.maxRequests, thresholds?.maxRetries, thresholds?.trackRemaining],
    [2, 0, undefined, true],
  );
});

test('detectors that are not named are off', () => {
  const { outlierDetection } = shaped({ outlierDetection: { detectors: { totalFailures: { consecutive: 4 } } } });
  assert.deepEqual(
    [
      outlierDetection?.consecutive5xx,
      outlierDetection?.enforcingConsecutive5xx,
      outlierDetection?.enforcingSuccessRate,
    ],
    [4, 100, 0],
  );
});

test('the deviation factor is given to Envoy in thousandths', () => {
  const detectors = { successRate: { standardDeviationFactor: '1.9' } };
  assert.equal(shaped({ outlierDetection: { detectors } }).outlierDetection?.successRateStdevFactor, 1900);
});

test('disabled detection is none', () => {
  const conf = { outlierDetection: { disabled: true, detectors: { totalFailures: { consecutive: 4 } } } };
  assert.equal(shaped(conf).outlierDetection, undefined);
});

test('an inbound guards the application', () => {
  const place = inboundPlace('http');
  hooks.inbound?.(place, { connectionLimits: { maxConnections: 7 } });
  assert.equal(place.cluster.message.circuitBreakers?.thresholds[0]?.maxConnections, 7);
});
