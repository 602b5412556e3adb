// `npm run faults`: the fault table. Each fault runs in a world of its own, under load, and says what it cost beside what is promised.
// `npm run faults -- f10 f11` runs some; `--ci` those of `npm test`; `--long` the long ones too; `--runtime executable|node|both` what is tested;
// `--minutes N` how long F8 and the soak last; `--json FILE` keeps the figures; `--write` puts them into docs/reliability.md.
import './generate.ts';
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { fetchEnvoy } from '@ursa/data-plane';
import { type Fault, type Figure, isMet, type Runtime } from '../faults/harness/fault.ts';
import { formatFigure } from '../faults/harness/table.ts';
import { formatTally } from './node-tests.ts';
import { root } from './process.ts';
import { recordRuns } from './reliability-page.ts';

/** One run of one fault. */
export interface FaultRun {
  readonly folder: string;
  readonly id: string;
  readonly runtime: Runtime;
  /** Empty when it could not be measured. */
  readonly figures: readonly Figure[];
  /** Day of the run. */
  readonly date: string;
  /** It was run at full length, with `--long`. */
  readonly long?: boolean;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    runtime: { type: 'string', default: 'executable' },
    ci: { type: 'boolean', default: false },
    long: { type: 'boolean', default: false },
    minutes: { type: 'string' },
    json: { type: 'string' },
    write: { type: 'boolean', default: false },
  },
});
const runtimes = { executable: ['executable'], node: ['node'], both: ['executable', 'node'] } as const;
const chosen = runtimes[values.runtime as keyof typeof runtimes];
if (chosen === undefined)
  throw new Error(`--runtime ${values.runtime}: expected one of ${Object.keys(runtimes).join(', ')}`);

if (process.getuid?.() !== 0) {
  console.log('faults were left out: they need root, for network namespaces');
  process.exit(0);
}
await fetchEnvoy(process.env);
// Whoever ends this script ends what it has started.
let running: ChildProcess | undefined;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    running?.kill('SIGKILL');
    process.exit(130);
  });
}
const runs: FaultRun[] = [];
let skipped = 0;
for (const [folder, fault] of await chooseFaults()) {
  const lacking = fault.lacks?.();
  if (lacking !== undefined) {
    console.log(`\n${fault.id} was left out: ${lacking}`);
    skipped += 1;
    continue;
  }
  for (const runtime of chosen) {
    console.log(`\n${fault.id}, ${runtime}: ${fault.title}`);
    const run = await runForCi(folder, fault, runtime);
    runs.push(run);
    // After each, so that a run that is broken off keeps what it has.
    if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(runs, undefined, 2)}\n`);
    if (values.write) await recordRuns([run]);
    for (const figure of run.figures) console.log(`  ${formatFigure(figure)}`);
    if (run.figures.length === 0) console.log('  could not be measured');
  }
}
const failed = runs.filter((run) => !isKept(run));
for (const { id, runtime } of failed) console.log(`failed: ${id}, ${runtime}: the target is missed`);
console.log(`\n${formatTally({ passed: runs.length - failed.length, failed: failed.length, skipped })}`);
process.exitCode = failed.length === 0 && runs.length > 0 ? 0 : 1;

function isKept({ figures }: FaultRun): boolean {
  return figures.length > 0 && figures.every(isMet);
}

/** Under `--ci`, where other guests of the machine may take its time, a run that misses a target is repeated once, and says so. */
async function runForCi(folder: string, fault: Fault, runtime: Runtime): Promise<FaultRun> {
  const first = await runOne(folder, fault, runtime);
  if (!values.ci || isKept(first)) return first;
  for (const figure of first.figures) console.log(`  ${formatFigure(figure)}`);
  console.log('  once more:');
  const second = await runOne(folder, fault, runtime);
  const missed = first.figures.filter((figure) => !isMet(figure)).map(formatFigure);
  if (isKept(second)) console.log([`unsteady: ${fault.id}, ${runtime}`, ...missed].join('\n    '));
  return second;
}

/** The faults that the command line asks for, by folder. */
async function chooseFaults(): Promise<readonly (readonly [folder: string, fault: Fault])[]> {
  const folders = readdirSync(join(root, 'faults')).filter((name) => /^f\d\d-/.test(name));
  const all = await Promise.all(
    folders.map(async (folder) => {
      const { fault }: { fault: Fault } = await import(join(root, 'faults', folder, 'fault.ts'));
      return [folder, fault] as const;
    }),
  );
  if (positionals.length > 0) {
    return positionals.map((word) => {
      const found = all.find(([folder, { id }]) => id.toLowerCase() === word.toLowerCase() || folder === word);
      if (found === undefined)
        throw new Error(`no fault "${word}"; there are ${all.map(([, { id }]) => id).join(', ')}`);
      return found;
    });
  }
  const paces = values.ci ? ['ci'] : values.long ? ['ci', 'fast', 'long'] : ['ci', 'fast'];
  return all.filter(([, { pace }]) => paces.includes(pace));
}

/** Runs a fault in namespaces of its own, which take everything along that it started. */
async function runOne(folder: string, fault: Fault, runtime: Runtime): Promise<FaultRun> {
  const started = performance.now();
  const place = mkdtempSync(join(tmpdir(), 'ursa-faults-'));
  // A database server runs as another user, who has to get through.
  chmodSync(place, 0o755);
  const report = join(place, 'report.json');
  const child = spawn(
    'unshare',
    [
      ...['--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'],
      ...[process.execPath, join(root, 'faults', 'harness', 'run-fault.ts')],
      ...['--fault', folder, '--runtime', runtime, '--report', report],
      ...(values.long ? ['--long'] : []),
      ...(values.minutes === undefined ? [] : ['--minutes', values.minutes]),
    ],
    { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], env: { ...process.env, TMPDIR: place } },
  );
  running = child;
  const code = await new Promise<number | null>((resolve) => child.once('exit', resolve));
  const figures: readonly Figure[] = code === 0 ? JSON.parse(readFileSync(report, 'utf8')) : [];
  rmSync(place, { recursive: true, force: true });
  console.log(`  took ${Math.round((performance.now() - started) / 1000)} s`);
  const date = new Date().toISOString().slice(0, 10);
  return { folder, id: fault.id, runtime, figures, date, ...(values.long ? { long: true } : {}) };
}
