// Failures are read off a report with their place and reason, and a test that fails only beside others is told from one that fails.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type NodeTestOptions, runNodeTests } from '../node-tests.ts';
import { root } from '../process.ts';
import { describeFailure, readTestReport } from '../test-report.ts';

test('a failure is told with its name, place and reason', () => {
  const report = readTestReport(
    [
      'TAP version 13',
      'ok 1 - fine',
      '  ---',
      '  duration_ms: 1',
      '  ...',
      'not ok 2 - two of many are lost',
      '  ---',
      '  duration_ms: 3529.05',
      "  location: '/somewhere/e2e/a/a.test.ts:143:1'",
      "  failureType: 'testCodeFailure'",
      '  error: |-',
      '    2 of 3478 requests failed',
      '    + actual - expected',
      '',
      "  code: 'ERR_ASSERTION'",
      '  ...',
      'not ok 3 - not today # TODO later',
      '    ok 1 - within a suite # SKIP needs root',
      'ok 4 - a whole suite # SKIP',
      '# pass 1',
      '# fail 1',
      '# cancelled 0',
      '# skipped 0',
    ].join('\n'),
    '/somewhere',
  );
  const [failure, ...more] = report.failures;
  assert.deepEqual(more, []);
  assert.ok(failure);
  assert.deepEqual(
    { ...report, failures: [describeFailure('failed', failure)] },
    {
      ...{ passed: 1, failed: 1, skipped: 0 },
      leftOut: ['within a suite: needs root', 'a whole suite: no reason given'],
      failures: [
        'failed: two of many are lost (e2e/a/a.test.ts:143)\n    2 of 3478 requests failed\n    + actual - expected',
      ],
    },
  );
});

/** Runs test files with this text, each with a file of its own to remember in. */
async function run(context: TestContext, files: number, text: string, options: Partial<NodeTestOptions>) {
  const folder = mkdtempSync(join(tmpdir(), 'ursa-report-'));
  context.after(() => rmSync(folder, { recursive: true }));
  for (let index = 0; index < files; index += 1) {
    const memory = JSON.stringify(join(folder, `memory-${index}`));
    writeFileSync(join(folder, `${index}.test.mjs`), `const memory = ${memory};\n${text}`);
  }
  const said: string[] = [];
  const tally = await runNodeTests({
    files: [`${relative(root, folder)}/*.test.mjs`],
    ...{ isolation: 'process', limit: 1, say: (line: string) => said.push(line.split('\n')[0] ?? '') },
    ...options,
  });
  return { tally, said };
}

const onceOnly = `
import { existsSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
test('steady', () => {});
test('fails the first time', () => {
  if (existsSync(memory)) return;
  writeFileSync(memory, '');
  throw new Error('too early');
});`;

test('what passes on its own is counted as passed, and named', async (context) => {
  const { tally, said } = await run(context, 1, onceOnly, { secondAttempts: 1 });
  assert.deepEqual(tally, { passed: 2, failed: 0, skipped: 0 });
  assert.deepEqual(
    said.map((line) => line.replace(/ \(.*\)/, '')),
    ['unsteady: fails the first time'],
  );
});

test('what fails twice has failed', async (context) => {
  const { tally, said } = await run(context, 1, onceOnly.replace('existsSync(memory)', 'false'), { secondAttempts: 1 });
  assert.deepEqual(tally, { passed: 1, failed: 1, skipped: 0 });
  assert.match(said[0] ?? '', /^failed: fails the first time/);
});

test('tests of a suite get their second attempt too, and are named themselves', async (context) => {
  const suite = `import { describe } from 'node:test';\ndescribe('suite', () => {${onceOnly.replace(/^import.*$/gm, '')}\n});`;
  const imports = onceOnly.match(/^import.*$/gm)?.join('\n') ?? '';
  const { tally, said } = await run(context, 1, `${imports}\n${suite}`, { secondAttempts: 1 });
  assert.deepEqual(tally, { passed: 2, failed: 0, skipped: 0 });
  assert.match(said.join(), /^unsteady: fails the first time \(\S+:\d+\)$/);
});

test('where more fails than by chance, nothing is tried again', async (context) => {
  const { tally } = await run(context, 2, onceOnly, { secondAttempts: 1 });
  assert.deepEqual(tally, { passed: 2, failed: 2, skipped: 0 });
});
