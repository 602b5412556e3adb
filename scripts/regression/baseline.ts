// The regression gate: measures, and holds the best of at most five runs against the baseline that is committed beside this file.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { benchFolder, buildGoTool } from '../shared-material.ts';
import { measureOnce } from './measure.ts';
import { best, compare, formatVerdicts, type Measurement } from './measurement.ts';

const file = join(import.meta.dirname, 'baseline.json');
const mostRuns = 5;

/** True when nothing costs a fifth more than the baseline. With `update` the baseline is what is measured now, the best of all runs. */
export async function holdAgainstBaseline(executable: string, update: boolean): Promise<boolean> {
  const meshload = buildGoTool(benchFolder, 'meshload');
  const runs: Measurement[] = [];
  if (!update && !existsSync(file)) throw new Error(`${file} does not exist: npm run bench -- regression --update`);
  const baseline = update ? undefined : (JSON.parse(readFileSync(file, 'utf8')) as Measurement);
  for (let attempt = 1; attempt <= mostRuns; attempt += 1) {
    try {
      runs.push(await measureOnce(executable, meshload));
    } catch (cause) {
      // On a machine that is busy enough the load generator may give up; only a run that ended says something of cost.
      if (attempt === mostRuns && runs.length === 0) throw cause;
      console.log(`run ${attempt} did not end well: ${cause instanceof Error ? cause.message : cause}`);
      continue;
    }
    if (baseline === undefined) continue;
    const verdicts = compare(best(runs), baseline);
    console.log(`run ${attempt}, the best so far:\n${formatVerdicts(verdicts)}`);
    // CPU is the one figure that the rest of the machine can spoil, so a run that is too dear is not believed at once.
    if (verdicts.every(({ failed }) => !failed)) return true;
  }
  if (baseline !== undefined) {
    const dearer = compare(best(runs), baseline).filter(({ failed }) => failed);
    for (const { what, measured, limit } of dearer) console.log(`failed: ${what}: ${measured}, at most ${limit}`);
    console.log('more than a fifth dearer than the baseline; if that is meant: npm run bench -- regression --update');
    return false;
  }
  writeFileSync(file, `${JSON.stringify(best(runs), null, 2)}\n`);
  console.log(`the baseline was written: ${JSON.stringify(runs)}`);
  return true;
}
