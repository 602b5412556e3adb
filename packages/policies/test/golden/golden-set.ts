// Runs one set of golden cases: recorded inputs and what the peer made of them. Counts passes, and fails when there are fewer than before.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';

const root = join(import.meta.dirname, '../../../../../shared/conformance/golden');
const absent = existsSync(root) ? false : 'conformance data is not beside the repository';

/** A case as it stands in `cases.json`; what more it has depends on the set. */
export interface GoldenCase {
  readonly id: string;
  readonly expected?: string | Readonly<Record<string, string>>;
  readonly expectedViolations?: string | null;
  readonly [field: string]: unknown;
}

/** Reads what a case names, below the folder of its set. */
export interface GoldenFiles {
  documents(path: unknown): readonly Readonly<Record<string, unknown>>[];
}

/** How a set is run. */
export interface GoldenSet {
  readonly set: string;
  /** Passes reached; fewer is a failure. */
  readonly reached: number;
  /** Which cases of the set are meant; all by default. */
  readonly only?: (item: GoldenCase) => boolean;
  /** Why a case (or a variant of it, `id variant`) is not ours to reproduce. */
  readonly skip?: Readonly<Record<string, string>>;
  /** What we make of a case; `variant` names one of several expected files, '' when there is one. */
  run(item: GoldenCase, files: GoldenFiles, variant: string): unknown;
}

/** Declares the tests of a set. */
export function testGoldenSet({ set, reached, only = () => true, skip = {}, run }: GoldenSet): void {
  const read = (path: unknown) => readFileSync(join(root, set, String(path)), 'utf8');
  const documents = (path: unknown) =>
    parseAllDocuments(read(path))
      .map((document) => document.toJS())
      .filter((document) => document !== null);
  test(`golden ${set}`, { skip: absent }, async (suite) => {
    const counts = { passed: 0, total: 0 };
    after(() => console.log(`${set}: ${counts.passed}/${counts.total}`));
    const { cases } = JSON.parse(read('cases.json')) as { readonly cases: readonly GoldenCase[] };
    for (const item of cases.filter(only)) {
      const file = item.expected ?? item.expectedViolations ?? null;
      const expected = typeof file === 'string' || file === null ? { '': file } : file;
      for (const [variant, path] of Object.entries(expected)) {
        counts.total++;
        const id = variant === '' ? item.id : `${item.id} ${variant}`;
        await suite.test(id, { skip: skip[id] ?? false }, () => {
          const ours = JSON.parse(JSON.stringify(run(item, { documents }, variant)));
          assert.deepEqual(ours, path === null ? null : parse(read(path)));
          counts.passed++;
        });
      }
    }
    assert.ok(counts.passed >= reached, `${counts.passed} passed, ${reached} did before`);
  });
}
