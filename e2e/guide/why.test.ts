// The guide to inspection: its commands work as written.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { followDemoGuide } from '../harness/demo-guide.ts';
import { readGuide } from '../harness/guide.ts';

test('why does a proxy do what it does', async () => {
  const steps = readGuide(join(import.meta.dirname, '../../docs/guide/why.md'));
  assert.ok(steps.length > 8, 'the guide has commands');
  await followDemoGuide(steps);
});
