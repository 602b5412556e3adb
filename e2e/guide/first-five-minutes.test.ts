// The guide's commands work as written, and each does what the guide says.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { followDemoGuide } from '../harness/demo-guide.ts';
import { readGuide } from '../harness/guide.ts';

test('the first five minutes', async () => {
  const [start, ...rest] = readGuide(join(import.meta.dirname, '../../docs/guide/first-five-minutes.md'));
  assert.equal(start?.commands, 'npm ci && npm run demo');
  assert.ok(rest.length > 5, 'the guide has commands');
  await followDemoGuide(rest);
});
