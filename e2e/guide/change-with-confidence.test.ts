// The guide to diff, apply --wait and rollout: its commands work as written.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { followDemoGuide } from '../harness/demo-guide.ts';
import { readGuide } from '../harness/guide.ts';

test('change with confidence', async () => {
  const steps = readGuide(join(import.meta.dirname, '../../docs/guide/change-with-confidence.md'));
  assert.ok(steps.length > 3, 'the guide has commands');
  await followDemoGuide(steps);
});
