// `npm run build`: the three single-file executables in dist/.
import './generate.ts';
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { formatTally } from './node-tests.ts';
import { root, run } from './process.ts';

const executables = [
  { name: 'kuma-cp', entry: 'packages/control-plane/src/main.ts' },
  { name: 'kuma-dp', entry: 'packages/data-plane/src/main.ts' },
  { name: 'kumactl', entry: 'packages/kumactl/src/main.ts' },
];
// With the byte code inside, a program starts in half the time. It does not go with a top-level await in an entry.
const flags = ['--compile', '--minify', '--bytecode'];

mkdirSync(join(root, 'dist'), { recursive: true });
let failed = 0;
for (const { name, entry } of executables) {
  const target = join('dist', name);
  const code = run(join(root, 'node_modules', '.bin', 'bun'), ['build', ...flags, entry, '--outfile', target]);
  if (code !== 0) failed += 1;
  else console.log(`${target}: ${Math.round(statSync(join(root, target)).size / (1 << 20))} MiB`);
}
console.log(formatTally({ passed: executables.length - failed, failed, skipped: 0 }));
process.exitCode = failed === 0 ? 0 : 1;
