// `npm run reproduce`: builds a copy of this tree in another folder and compares the bytes with dist/.
import { spawnSync } from 'node:child_process';
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { trackedFiles } from './checks/tracked-files.ts';
import { formatTally } from './node-tests.ts';
import { root } from './process.ts';

const timeLimit = 300_000;
const copy = mkdtempSync(join(tmpdir(), 'ursa-build-'));
try {
  for (const file of trackedFiles(/./)) cpSync(join(root, file), join(copy, file));
  // Real files, as an installation has them: a link would lead back to this tree. What is generated and installed is not made again.
  for (const folder of globSync(['node_modules', 'packages/*/{node_modules,gen}'], { cwd: root })) {
    const copyTo = (flag: string): boolean =>
      spawnSync('cp', [flag, join(root, folder), join(copy, folder)], { timeout: timeLimit }).status === 0;
    if (!copyTo('-al') && !copyTo('-a')) throw new Error(`${folder} could not be copied to ${copy}`);
  }
  const built = spawnSync(process.execPath, [join(copy, 'scripts', 'build.ts')], {
    cwd: copy,
    stdio: 'inherit',
    timeout: timeLimit,
  });
  if (built.status !== 0) throw new Error('the copy could not be built');
  const sums = readFileSync(join(root, 'dist', 'SHA256SUMS'), 'utf8');
  const [here, there] = [sums, readFileSync(join(copy, 'dist', 'SHA256SUMS'), 'utf8')].map((text) =>
    text.trim().split('\n'),
  );
  const different = (here ?? []).filter((line) => !there?.includes(line));
  for (const line of different) console.error(`not the same in another folder: ${line}`);
  console.log(formatTally({ passed: (here ?? []).length - different.length, failed: different.length, skipped: 0 }));
  process.exitCode = different.length === 0 ? 0 : 1;
} finally {
  rmSync(copy, { recursive: true, force: true });
}
