// Which kuma-dp fits which control plane, and what is said of those that do not.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeIncompatible, isKumaDpCompatible } from '../src/index.ts';

test('two minor versions apart is near enough, and the line of the peer is spoken with', () => {
  for (const [version, own, expected] of [
    ['0.1.0', '0.1.0', true],
    ['0.3.7', '0.1.0', true],
    ['0.4.0', '0.1.0', false],
    ['1.1.0', '0.1.0', false],
    ['2.14.3', '0.1.0', true],
    ['2.13.1', '0.1.0', false],
    ['0.2.0-rc.1', '0.1.0', true],
    ['', '0.1.0', undefined],
    ['unknown', '0.1.0', undefined],
  ] as const)
    assert.equal(isKumaDpCompatible(version, own), expected, version);
});

test('what does not fit is said, and nothing where nothing is known', () => {
  const sentences = (kumaCpCompatible?: boolean, kumaDpCompatible?: boolean) =>
    describeIncompatible({
      version: {
        kumaDp: { version: '0.4.0', ...(kumaCpCompatible === undefined ? {} : { kumaCpCompatible }) },
        envoy: { version: '1.30.0', ...(kumaDpCompatible === undefined ? {} : { kumaDpCompatible }) },
      },
    });
  assert.deepEqual([sentences(), sentences(true, true)], [[], []]);
  const [proxy, envoy] = sentences(false, false);
  assert.match(proxy ?? '', /^kuma-dp 0\.4\.0 is not made for this control plane/);
  assert.match(envoy ?? '', /^Envoy 1\.30\.0 is not the one that kuma-dp 0\.4\.0 is made for/);
  assert.deepEqual(describeIncompatible({}), []);
});
