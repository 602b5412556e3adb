// `npm test`: everything that CI runs, step by step. The last line counts it all.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { addTallies, formatTally, type Tally } from './node-tests.ts';
import { root } from './process.ts';

interface Step {
  readonly script: string;
  readonly purpose: string;
  readonly args?: readonly string[];
}

const steps: readonly Step[] = [
  { script: 'generate', purpose: "generate Envoy's API" },
  { script: 'fetch-envoy', purpose: 'fetch Envoy, once' },
  { script: 'check', purpose: 'types, lint, boundaries, sizes, unused code, docs' },
  { script: 'audit', purpose: 'known vulnerabilities of what is shipped' },
  { script: 'unit', purpose: 'fast tests' },
  { script: 'unit', args: ['--runtime', 'bun'], purpose: "fast tests that the executables' runtime concerns, with it" },
  { script: 'golden', purpose: 'recorded cases' },
  { script: 'build', purpose: 'single-file executables' },
  { script: 'reproduce', purpose: 'the same bytes from another folder' },
  { script: 'slow', purpose: 'tests with a real Envoy, real disks and random faults' },
  { script: 'bench', args: ['regression'], purpose: 'what a change costs, against the baseline' },
  { script: 'e2e', args: ['--runtime', 'dist'], purpose: 'the whole mesh as it is shipped, processes and traffic' },
  {
    script: 'e2e',
    args: ['demo', 'guide', 'custom-policy', 'process-lifecycle', 'metrics', 'access-logs', 'joining'],
    purpose: 'from a clone on Node, what users do there and what uses most of the runtime',
  },
  { script: 'faults', purpose: 'what breaking something costs', args: ['--ci'] },
  { script: 'conformance', purpose: "the peer's recorded behaviour" },
];

/** Minutes for all steps together: less than any CI gives, so that a step that does not end is named and the others are counted. */
const limit = 80;
const endsAt = Date.now() + limit * 60_000;
const timeToEnd = 5000;
/** Of a step that fails and does not say of what. */
const shownLines = 20;

/** What failed, what passed only at its second attempt and what was left out, for the end of the output. */
const remarks: string[] = [];

/** Runs one script of this folder, shows what it prints, and reads the tally off its last line; a script without one counts as a single check. */
async function runStep(step: Step): Promise<Tally> {
  const started = Date.now();
  console.log(`\n== ${step.script}: ${step.purpose}`);
  const child = spawn(process.execPath, [join(root, 'scripts', `${step.script}.ts`), ...(step.args ?? [])], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    process.stdout.write(text);
  });
  const timer = setTimeout(() => {
    console.log(`\nthe tests have ${limit} minutes; ${step.script} had not ended`);
    child.kill('SIGTERM');
    setTimeout(() => child.kill('SIGKILL'), timeToEnd).unref();
  }, endsAt - started);
  const [code] = (await once(child, 'exit')) as [number | null];
  clearTimeout(timer);
  // What the step has left running may hold its output open for ever.
  await Promise.race([finished(child.stdout), sleep(timeToEnd, undefined, { ref: false })]);
  const status = code ?? 1;
  console.log(`== ${step.script}: ${Math.round((Date.now() - started) / 1000)} s, exit ${status}`);
  const told = output.match(/^(?:failed|unsteady|left out): .*(?:\n {4}.*)*$/gm) ?? [];
  remarks.push(...told);
  if (status !== 0 && !told.some((remark) => remark.startsWith('failed: '))) {
    const lastLines = output.trimEnd().split('\n').slice(-shownLines);
    remarks.push([`failed: ${step.script}, exit ${status}`, ...lastLines.map((line) => `    ${line}`)].join('\n'));
  }
  const closing = output.match(/^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$/gm)?.at(-1);
  if (closing === undefined) return { passed: status === 0 ? 1 : 0, failed: status === 0 ? 0 : 1, skipped: 0 };
  const [passed = 0, failed = 0, skipped = 0] = [...closing.matchAll(/\d+/g)].map((match) => Number(match[0]));
  return { passed, failed: failed === 0 && status !== 0 ? 1 : failed, skipped };
}

if (!existsSync(join(root, 'node_modules'))) throw new Error('run "npm ci" first');
const tallies: Tally[] = [];
for (const step of steps) tallies.push(await runStep(step));
const total = addTallies(tallies);
for (const remark of remarks) console.log(`\n${remark}`);
console.log(`\n${formatTally(total)}`);
process.exitCode = total.failed === 0 ? 0 : 1;
