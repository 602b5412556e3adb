// Who starts a program with an older Node is told so, by a Node that can read nothing else of it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeOldNode } from '../node-version.js';

for (const [version, starts] of [
  ['20.20.2', false],
  ['24.12.9', false],
  ['24.13.0', true],
  ['24.21.0', true],
  ['26.0.0', true],
] as const)
  test(`Node ${version} ${starts ? 'starts' : 'does not start'} a program that needs 24.13`, () => {
    const problem = describeOldNode('kumactl', version, '>=24.13');
    if (starts) assert.equal(problem, undefined);
    else
      assert.match(
        problem ?? '',
        new RegExp(`^kumactl: .*needs Node >=24\\.13, this is ${version}: use "npx kumactl"`),
      );
  });
