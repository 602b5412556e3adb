// Envoys with known holes, by version.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeEnvoyBelowFloor } from '../src/envoy-floor.ts';

test('an Envoy below the floor of its line is told which release to take', () => {
  const below = ['1.36.9', '1.37.5', '1.38.3', '1.39.0'].map((version) => describeEnvoyBelowFloor(version));
  assert.deepEqual(
    below.map((text) => /upgrade it to (\S+)/.exec(text ?? '')?.[1]),
    ['1.36.10', '1.37.6', '1.38.4', '1.39.1'],
  );
  assert.match(describeEnvoyBelowFloor('1.35.20') ?? '', /1\.40\.0: its own line gets no fixes/);
  assert.match(describeEnvoyBelowFloor('0.99.1') ?? '', /1\.40\.0/);
});

test('Envoys at the floor, newer lines and unknown versions are not reported', () => {
  for (const version of ['1.36.10', '1.37.11', '1.39.1', '1.40.0', '1.41.3', '2.0.0', '', 'unknown', '1.40.0-dev'])
    assert.equal(describeEnvoyBelowFloor(version), undefined, version);
});
