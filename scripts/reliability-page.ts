// Puts measured faults into docs/reliability.md: the newest run of each fault and runtime, between two marks. The figures themselves are kept
// beside it as JSON, so that a run of some faults leaves the others as they are.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { type Fault, isMet, type Runtime } from '../faults/harness/fault.ts';
import { formatTarget, formatValue } from '../faults/harness/table.ts';
import type { FaultRun } from './faults.ts';
import { root } from './process.ts';

const resultsFile = join(root, 'faults', 'results.json');
const page = join(root, 'docs', 'reliability.md');
const marks = { begin: '<!-- faults: begin -->', end: '<!-- faults: end -->' };

/** Keeps the runs and writes the page's table anew. A run that measured nothing is not kept. */
export async function recordRuns(runs: readonly FaultRun[]): Promise<void> {
  const kept: readonly FaultRun[] = existsSync(resultsFile) ? JSON.parse(readFileSync(resultsFile, 'utf8')) : [];
  const byKey = new Map([...kept, ...runs.filter(({ figures }) => figures.length > 0)].map((run) => [keyOf(run), run]));
  const sorted = [...byKey].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, run]) => run);
  writeFileSync(resultsFile, `${JSON.stringify(sorted, undefined, 2)}\n`);
  const text = readFileSync(page, 'utf8');
  const [head = '', rest = ''] = text.split(marks.begin);
  const [, tail = ''] = rest.split(marks.end);
  writeFileSync(page, `${head}${marks.begin}\n${await formatTable(sorted)}\n${marks.end}${tail}`);
}

function keyOf({ folder, runtime }: FaultRun): string {
  return `${folder} ${runtime}`;
}

async function formatTable(runs: readonly FaultRun[]): Promise<string> {
  const machine = `${cpus().length} cores (${cpus()[0]?.model.trim()}), ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}`;
  const rows = await Promise.all(
    Object.values(Object.groupBy(runs, ({ folder }) => folder)).map(async (group = []) => {
      const folder = group[0]?.folder ?? '';
      const { fault }: { fault: Fault } = await import(join(root, 'faults', folder, 'fault.ts'));
      const names = [...new Set(group.flatMap(({ figures }) => figures.map(({ name }) => name)))];
      const lines = names.map((name) => {
        const measured = group.flatMap(({ runtime, figures }) => {
          const figure = figures.find((candidate) => candidate.name === name);
          if (figure === undefined) return [];
          const value = formatValue(figure);
          return [{ runtime, value: isMet(figure) ? value : `${value} (missed)`, target: formatTarget(figure) }];
        });
        const of = (runtime: string): string => measured.find((each) => each.runtime === runtime)?.value ?? '–';
        const target = measured.find((each) => each.target !== '')?.target ?? '';
        return `| ${name} | ${target === '' ? '' : `**${target}**`} | ${of('executable')} | ${of('node')} |`;
      });
      const command = `npm run faults -- ${fault.id.toLowerCase()} --runtime both`;
      return [
        `### ${fault.id}: ${fault.title}`,
        '',
        `${fault.how}. \`${command}\`, ${formatDates(group)}.`,
        '',
        '| | promised | executables | Node |',
        '|---|---|---|---|',
        ...lines,
      ].join('\n');
    }),
  );
  return [`Machine: ${machine}.`, ...rows].join('\n\n');
}

const runtimeNames: Readonly<Record<Runtime, string>> = { executable: 'executables', node: 'Node' };

/** When it was run, and whether at full length; once when that is the same for all. */
function formatDates(group: readonly FaultRun[]): string {
  const when = group.map(({ date, long = false }) => `${date}${long ? ' with `--long`' : ''}`);
  const [first = '', ...others] = new Set(when);
  if (others.length === 0) return first;
  return group.map(({ runtime }, index) => `${runtimeNames[runtime]} ${when[index]}`).join(', ');
}
