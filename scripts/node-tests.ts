// Runs files of tests with node:test and counts what passed, so that one closing line can speak for the whole run.
import { globSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readText, runToLimit } from './limited-run.ts';
import { root } from './process.ts';

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
}

/** Runs the files. A run that dies, does not end or finds no test at all counts as one failure: silence is never success. */
export async function runNodeTests(options: NodeTestOptions): Promise<Tally> {
  const except = options.except ?? [];
  const files = globSync([...options.files], { cwd: root })
    .filter((file) => !except.some((folder) => file.includes(`/${folder}/`)))
    .sort();
  if (files.length === 0) {
    console.error(`no test file matches ${options.files.join(' ')}`);
    return { passed: 0, failed: 1, skipped: 0 };
  }
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
      '--test-reporter-destination=stdout',
      '--test-reporter=tap',
      `--test-reporter-destination=${report}`,
      ...files,
    ],
    { folder, report, limit: options.limit, env: { ...process.env, ...options.env } },
  );
  const tally = readReport(report);
  rmSync(folder, { recursive: true });
  if (code !== 0 && tally.failed === 0) return { ...tally, failed: 1 };
  return tally.passed === 0 && tally.failed === 0 ? { ...tally, failed: 1 } : tally;
}

function readReport(file: string): Tally {
  const text = readText(file);
  if (text === '') console.error('the test runner left no report');
  const count = (word: string): number => Number(text.match(new RegExp(`^# ${word} (\\d+)$`, 'm'))?.[1] ?? 0);
  return { passed: count('pass'), failed: count('fail') + count('cancelled'), skipped: count('skipped') };
}
