// Reads the TAP report of a run of node:test: what it counts, and what failed where and why.
import { relative } from 'node:path';

/** One failed test. */
export interface FailedTest {
  readonly name: string;
  /** From the repository's root; '' when the report does not say. */
  readonly file: string;
  readonly line: string;
  /** The beginning of what it threw. */
  readonly reason: string;
}

/** What came of a run. */
export interface TestReport {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly failures: readonly FailedTest[];
  /** What was left out, each with its reason. A suite that is left out does not count its tests: nothing else tells of them. */
  readonly leftOut: readonly string[];
}

const reasonLines = 12;
const reasonWidth = 240;

/** Reads the report; `root` is the folder that files are told from. */
export function readTestReport(text: string, root: string): TestReport {
  const count = (word: string): number => Number(text.match(new RegExp(`^# ${word} (\\d+)$`, 'm'))?.[1] ?? 0);
  const lines = text.split('\n');
  const failures = lines.flatMap((line, index) => {
    const [, indent = '', name] = /^( *)not ok \d+ - (.*)$/.exec(line) ?? [];
    if (name === undefined || / # (SKIP|TODO)\b/.test(name)) return [];
    const end = lines.indexOf(`${indent}  ...`, index);
    const details = lines.slice(index + 1, end === -1 ? undefined : end).map((each) => each.slice(indent.length));
    // The tests of a suite speak for themselves, and only they are counted.
    if (details.includes("  type: 'suite'") && details.includes("  failureType: 'subtestsFailed'")) return [];
    return [readFailure(name, details, root)];
  });
  const leftOut = lines.flatMap((line) => {
    const [, name, reason = ''] = /^ *ok \d+ - (.*) # SKIP ?(.*)$/.exec(line) ?? [];
    return name === undefined ? [] : [`${name}: ${reason === '' ? 'no reason given' : reason}`];
  });
  const counts = { passed: count('pass'), failed: count('fail') + count('cancelled'), skipped: count('skipped') };
  return { ...counts, failures, leftOut };
}

function readFailure(name: string, details: readonly string[], root: string): FailedTest {
  const [, path = '', line = ''] = /^ {2}location: '(.*):(\d+):\d+'$/m.exec(details.join('\n')) ?? [];
  const start = details.findIndex((each) => each.startsWith('  error: '));
  const after = details.slice(start + 1);
  const end = after.findIndex((each) => /^ {2}\w/.test(each));
  const text =
    start === -1
      ? []
      : [details[start]?.slice('  error: '.length) ?? '', ...after.slice(0, end === -1 ? undefined : end)];
  const reason = text
    .map((each) => each.trim())
    .filter((each) => each !== '' && each !== '|-')
    .slice(0, reasonLines)
    .map((each) => each.slice(0, reasonWidth))
    .join('\n');
  return { name, file: path === '' ? '' : relative(root, path), line, reason };
}

/** One paragraph a failure; its first line begins with `word`. */
export function describeFailure(word: string, { name, file, line, reason }: FailedTest): string {
  const place = file === '' ? '' : ` (${file}:${line})`;
  return [`${word}: ${name}${place}`, ...reason.split('\n').map((each) => `    ${each}`)].join('\n');
}
