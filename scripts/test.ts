// `npm test`: everything that CI runs, step by step. The last line counts it all.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
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
  { script: 'unit', purpose: 'fast tests' },
  { script: 'golden', purpose: 'recorded cases' },
  { script: 'slow', purpose: 'tests with a real Envoy, real disks and random faults' },
  { script: 'build', purpose: 'single-file executables' },
  { script: 'bench', args: ['regression'], purpose: 'what a change costs, against the baseline' },
  { script: 'e2e', purpose: 'the whole mesh, processes and traffic' },
  { script: 'faults', purpose: 'what breaking something costs', args: ['--ci'] },
  { script: 'conformance', purpose: "the peer's recorded behaviour" },
];

/** Runs one script of this folder and reads the tally off its last line; a script without one counts as a single check. */
function runStep(step: Step): Tally {
  const started = Date.now();
  console.log(`\n== ${step.script}: ${step.purpose}`);
  const result = spawnSync(process.execPath, [join(root, 'scripts', `${step.script}.ts`), ...(step.args ?? [])], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 256 << 20,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  process.stdout.write(result.stdout ?? '');
  console.log(`== ${step.script}: ${Math.round((Date.now() - started) / 1000)} s, exit ${result.status}`);
  const closing = (result.stdout ?? '').match(/^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$/gm)?.at(-1);
  if (closing === undefined)
    return { passed: result.status === 0 ? 1 : 0, failed: result.status === 0 ? 0 : 1, skipped: 0 };
  const [passed = 0, failed = 0, skipped = 0] = [...closing.matchAll(/\d+/g)].map((match) => Number(match[0]));
  return { passed, failed: failed === 0 && result.status !== 0 ? 1 : failed, skipped };
}

if (!existsSync(join(root, 'node_modules'))) throw new Error('run "npm ci" first');
const total = addTallies(steps.map(runStep));
console.log(`\n${formatTally(total)}`);
process.exitCode = total.failed === 0 ? 0 : 1;
