// `npm run build`: the three single-file executables in dist/, with the list of what they are made of and their checksums. One tree gives the same
// bytes, wherever it lies.
import './generate.ts';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bunProgram } from './bun.ts';
import { formatTally } from './node-tests.ts';
import { root, run } from './process.ts';
import { createSbom } from './sbom.ts';

// In chunks, what is imported on demand (the database's driver, clouds' libraries) takes no memory before: 4 MB of an idle kuma-cp. The others have
// little of that, and their start is what counts.
const executables = [
  { name: 'kuma-cp', input: ['--format=esm', '--splitting', 'packages/control-plane/src/executable.ts'] },
  { name: 'kuma-dp', input: ['packages/data-plane/src/main.ts'] },
  { name: 'kumactl', input: ['packages/kumactl/src/main.ts'] },
];
// With the byte code inside, a program starts in half the time. It does not go with a top-level await in an entry.
// What lies in the folder that a program is started in is not ours: a bunfig.toml there would execute code, a .env set what nobody asked for.
const flags = [
  ...['--compile', '--minify', '--bytecode'],
  ...['--no-compile-autoload-bunfig', '--no-compile-autoload-dotenv'],
  ...['--no-compile-autoload-tsconfig', '--no-compile-autoload-package-json'],
];
// Bun writes the folders of the machine that builds into the executable. Nothing that runs there needs them: they are not on the user's machine.
const places = [
  ['__dirname', '/'],
  ['__filename', '/module'],
  ['import.meta.dirname', '/'],
  ['import.meta.url', 'file:///module'],
].flatMap(([name, value]) => ['--define', `${name}=${JSON.stringify(value)}`]);

const target = (name: string): string => join(root, 'dist', name);
mkdirSync(join(root, 'dist'), { recursive: true });
let failed = 0;
for (const { name, input } of executables) {
  const code = run(bunProgram, ['build', ...flags, ...places, ...input, '--outfile', join('dist', name)]);
  if (code !== 0) failed += 1;
  else console.log(`dist/${name}: ${Math.round(statSync(target(name)).size / (1 << 20))} MiB`);
}
if (failed === 0) {
  writeFileSync(target('sbom.cdx.json'), createSbom());
  const made = [...executables.map(({ name }) => name), 'sbom.cdx.json'];
  const sums = made.map(
    (name) =>
      `${createHash('sha256')
        .update(readFileSync(target(name)))
        .digest('hex')}  ${name}\n`,
  );
  writeFileSync(target('SHA256SUMS'), sums.join(''));
}
console.log(formatTally({ passed: executables.length - failed, failed, skipped: 0 }));
process.exitCode = failed === 0 ? 0 : 1;
