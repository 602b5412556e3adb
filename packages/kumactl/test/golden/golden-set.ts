// A set of golden command lines: where its cases are, which are left out, and how many pass.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';

/** What a set's cases have in common. */
export interface GoldenCase {
  readonly id: string;
}

/** How a set is run. */
export interface GoldenSetOptions<Case extends GoldenCase> {
  /** Checks of one case, by name. A check that throws has failed. */
  readonly checks: (golden: Case, place: GoldenPlace) => Promise<readonly GoldenCheck[]>;
  /** How many checks pass now. Raise it when more do; it never goes down. */
  readonly passing: number;
  /** Reason by case id. */
  readonly skipped?: ReadonlyMap<string, string>;
}

/** One thing that is compared. */
export interface GoldenCheck {
  readonly name: string;
  readonly actual: unknown;
  readonly expected: unknown;
}

/** Files of a set. */
export interface GoldenPlace {
  path(file: string): string;
  read(file: string): string;
  /** An empty folder, removed afterwards. */
  readonly folder: string;
}

const root = join(import.meta.dirname, '../../../../../shared/conformance/golden');

/** Runs a set as one test; prints `set: passed/total`. */
export function testGoldenSet<Case extends GoldenCase>(set: string, options: GoldenSetOptions<Case>): void {
  const folder = join(root, set);
  const absent = existsSync(folder) ? false : 'conformance data is not beside the repository';
  test(`command lines of the golden set ${set}`, { skip: absent }, async (context) => {
    const { cases }: { cases: readonly Case[] } = JSON.parse(readFileSync(join(folder, 'cases.json'), 'utf8'));
    let passed = 0;
    let total = 0;
    const failures: string[] = [];
    for (const golden of cases) {
      const temporary = mkdtempSync(join(tmpdir(), 'kumactl-golden-'));
      const path = (file: string): string => join(folder, file);
      try {
        const place = { path, read: (file: string) => readFileSync(path(file), 'utf8'), folder: temporary };
        for (const { name, actual, expected } of await options.checks(golden, place)) {
          total += 1;
          if (isDeepStrictEqual(actual, expected)) passed += 1;
          else if (!options.skipped?.has(golden.id))
            failures.push(`${golden.id} ${name}: ${firstDifference(actual, expected)}`);
        }
      } finally {
        rmSync(temporary, { recursive: true });
      }
    }
    context.diagnostic(`${set}: ${passed}/${total}`);
    for (const [id, reason] of options.skipped ?? []) context.diagnostic(`${set}: left out ${id}: ${reason}`);
    assert.equal(failures.join('\n'), '');
    assert.ok(passed >= options.passing, `${passed} passed, ${options.passing} did before`);
  });
}

/** The first line that differs. */
function firstDifference(actual: unknown, expected: unknown): string {
  const linesOf = (value: unknown): readonly string[] =>
    (typeof value === 'string' ? value : (JSON.stringify(value, null, 2) ?? '')).split('\n');
  const [ours, theirs] = [linesOf(actual), linesOf(expected)];
  const line = ours.findIndex((text, index) => text !== theirs[index]);
  return `line ${line + 1} is ${JSON.stringify(ours[line])}, not ${JSON.stringify(theirs[line])}`;
}
