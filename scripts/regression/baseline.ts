// The regression gate: measures, and holds the best of at most three runs against the baseline that is committed beside this file.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { benchFolder, buildGoTool } from '../shared-material.ts';
import { measureOnce } from './measure.ts';
import { best, compare, formatVerdicts, type Measurement } from './measurement.ts';

const file = join(import.meta.dirname, 'baseline.json');
const mostRuns = 3;

/** True when nothing costs a fifth more than the baseline. With `update` the baseline is what is measured now, the best of all runs. */
export async function holdAgainstBaseline(executable: string, update: boolean): Promise<boolean> {
  const meshload = buildGoTool(benchFolder, 'meshload');
  const runs: Measurement[] = [];
  if (!update && !existsSync(file)) throw new Error(`${file} does not exist: npm run bench -- regression --update`);
  const baseline = update ? undefined : (JSON.parse(readFileSync(file, 'utf8')) as Measurement);
  while (runs.length < mostRuns) {
    runs.push(await measureOnce(executable, meshload));
    if (baseline === undefined) continue;
    const verdicts = compare(best(runs), baseline);
    console.log(`run ${runs.length}, the best so far:\n${formatVerdicts(verdicts)}`);
    // CPU is the one figure that the rest of the machine can spoil, so a run that is too dear is not believed at once.
    if (verdicts.every(({ failed }) => !failed)) return true;
  }
  if (baseline !== undefined) {
    console.log('more than a fifth dearer than the baseline; if that is meant: npm run bench -- regression --update');
    return false;
  }
  writeFileSync(file, `${JSON.stringify(best(runs), null, 2)}\n`);
  console.log(`the baseline was written: ${JSON.stringify(runs)}`);
  return true;
}
