// Sizes of source files, as the design sets them.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../process.ts';
import type { Check } from './check.ts';
import { trackedFiles } from './tracked-files.ts';

const medianLimit = 120;
const ninetiethPercentileLimit = 300;
const absoluteLimit = 500;
/** A file over the absolute limit says why in its first lines, after this mark. */
const reasonMark = '// Long because ';
const vagueNames = /(^|\/)(utils?|helpers?|common|misc)(\.ts|\/)/;

/** Files are small and named after the one thing inside. */
export const sizes: Check = {
  name: 'sizes',
  run() {
    const files = trackedFiles(/^packages\/[^/]+\/src\/.*\.ts$/).filter((file) => existsSync(join(root, file)));
    const problems = files
      .filter((file) => vagueNames.test(file))
      .map((file) => `${file}: name it after the one thing inside`);
    const counted = files
      .map((file) => ({ file, text: readFileSync(join(root, file), 'utf8') }))
      .map(({ file, text }) => ({ file, text, lines: text.split('\n').length - 1 }))
      .sort((left, right) => left.lines - right.lines);
    for (const { file, text, lines } of counted) {
      if (lines > absoluteLimit && !text.slice(0, 600).includes(reasonMark))
        problems.push(`${file}: ${lines} lines, at most ${absoluteLimit}`);
    }
    const at = (share: number): number => counted[Math.floor(counted.length * share)]?.lines ?? 0;
    if (at(0.5) > medianLimit) problems.push(`the median file has ${at(0.5)} lines, at most ${medianLimit}`);
    if (at(0.9) > ninetiethPercentileLimit)
      problems.push(`one file in ten has over ${ninetiethPercentileLimit} lines (${at(0.9)} at 90 %)`);
    return problems;
  },
};
