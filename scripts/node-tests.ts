// Runs files of tests with node:test and counts what passed, so that one closing line can speak for the whole run.
import { globSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readText, runToLimit } from './limited-run.ts';
import { root } from './process.ts';
import { describeFailure, readTestReport, type TestReport } from './test-report.ts';

/** How many tests or checks passed and failed. */
export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export function addTallies(tallies: readonly Tally[]): Tally {
  return tallies.reduce(
    (sum, tally) => ({
      passed: sum.passed + tally.passed,
      failed: sum.failed + tally.failed,
      skipped: sum.skipped + tally.skipped,
    }),
    { passed: 0, failed: 0, skipped: 0 },
  );
}

/** The closing line that CI reads. */
export function formatTally(tally: Tally): string {
  return `${tally.passed} passed, ${tally.failed} failed${tally.skipped > 0 ? `, ${tally.skipped} skipped` : ''}`;
}

export interface NodeTestOptions {
  /** Globs, from the repository's root. */
  readonly files: readonly string[];
  /** Folders whose files are left out, by name. */
  readonly except?: readonly string[];
  /** One process for all files (fast) or one for each. */
  readonly isolation: 'none' | 'process';
  /** How many files run at the same time. */
  readonly concurrency?: number;
  /** Milliseconds after which one test counts as failed. */
  readonly timeout?: number;
  /** Minutes after which the whole run is ended, and says where it stood. */
  readonly limit: number;
  readonly env?: NodeJS.ProcessEnv;
  /**
   * How many files may be run a second time, one after the other, when tests of theirs failed beside others; 0 unless told. More failures than that are no
   * chance: then nothing is tried again.
   */
  readonly secondAttempts?: number;
  /** Gets what failed or was left out, a paragraph each, instead of the console, which then hears nothing at all. */
  readonly say?: (text: string) => void;
}

/**
 * Runs the files. A run that dies, does not end or finds no test at all counts as one failure: silence is never success. A test that passes at its second
 * attempt counts as passed, and is named as unsteady.
 */
export async function runNodeTests(options: NodeTestOptions): Promise<Tally> {
  const { secondAttempts = 0, say = console.log } = options;
  const except = options.except ?? [];
  const files = globSync([...options.files], { cwd: root })
    .filter((file) => !except.some((folder) => file.includes(`/${folder}/`)))
    .sort();
  if (files.length === 0) {
    console.error(`no test file matches ${options.files.join(' ')}`);
    return { passed: 0, failed: 1, skipped: 0 };
  }
  const first = await runFiles(files, options);
  for (const what of first.leftOut) say(`left out: ${what}`);
  const again = [...new Set(first.failures.map(({ file }) => file))];
  const isWholeKnown = first.failures.length === first.failed && !again.includes('');
  if (first.failed === 0 || !isWholeKnown || again.length > secondAttempts) {
    for (const failure of first.failures) say(describeFailure('failed', failure));
    return tallyOf(first);
  }
  if (options.say === undefined) console.log(`\nonce more, on their own: ${again.join(' ')}`);
  const second = await runFiles(again, { ...options, concurrency: 1 });
  const isSame = (one: (typeof first.failures)[number]) => (other: typeof one) =>
    other.name === one.name && other.file === one.file;
  for (const failure of second.failures) say(describeFailure('failed', failure));
  for (const failure of first.failures)
    if (!second.failures.some(isSame(failure))) say(describeFailure('unsteady', failure));
  return {
    passed: first.passed + Math.max(0, first.failed - second.failed),
    failed: second.failed,
    skipped: first.skipped,
  };
}

async function runFiles(files: readonly string[], options: NodeTestOptions): Promise<TestReport> {
  const folder = mkdtempSync(join(tmpdir(), 'ursa-tests-'));
  const report = join(folder, 'report.tap');
  const code = await runToLimit(
    [
      '--test',
      `--test-isolation=${options.isolation}`,
      ...(options.isolation === 'process'
        ? [`--test-concurrency=${options.concurrency ?? 2}`]
        : // What a failed test left open must not keep the others' results back.
          ['--test-force-exit']),
      `--test-timeout=${options.timeout ?? 60_000}`,
      '--test-reporter=dot',
      `--test-reporter-destination=${options.say === undefined ? 'stdout' : join(folder, 'dots')}`,
      '--test-reporter=tap',
      `--test-reporter-destination=${report}`,
      ...files,
    ],
    { folder, report, limit: options.limit, env: { ...process.env, NODE_TEST_CONTEXT: undefined, ...options.env } },
  );
  const text = readText(report);
  if (text === '') console.error('the test runner left no report');
  const found = readTestReport(text, root);
  rmSync(folder, { recursive: true });
  if (code !== 0 && found.failed === 0) return { ...found, failed: 1 };
  return found.passed === 0 && found.failed === 0 ? { ...found, failed: 1 } : found;
}

function tallyOf({ passed, failed, skipped }: TestReport): Tally {
  return { passed, failed, skipped };
}
