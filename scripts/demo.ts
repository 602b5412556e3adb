// `npm run demo`: a mesh on this host in one command. Ctrl-C ends it and leaves nothing behind. `--dist` runs the single-file executables.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { fetchEnvoy, findEnvoy } from '@ursa/data-plane';
import { programsOf } from '../examples/demo/programs.ts';
import { runDemo } from '../examples/demo/run-demo.ts';
import { root } from './process.ts';

const { dist } = optionsOf(process.argv.slice(2));
const end = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => end.abort());

if (!existsSync(join(root, 'packages', 'envoy', 'gen'))) console.log("generating Envoy's API, once…");
await import('./generate.ts');
try {
  findEnvoy('envoy', process.env, process.cwd());
} catch {
  console.log('fetching Envoy, once…');
  await fetchEnvoy(process.env);
}
const programs = programsOf(dist ? 'dist' : 'node');
process.exitCode = await runDemo({
  programs,
  usualPorts: true,
  write: (text) => process.stdout.write(text),
  end: end.signal,
});
process.exit();

function optionsOf(args: string[]): { readonly dist: boolean } {
  try {
    return parseArgs({ args, options: { dist: { type: 'boolean', default: false } } }).values;
  } catch (error) {
    console.error(
      `${error instanceof Error ? error.message : error}\nnpm run demo takes nothing, or -- --dist for the single-file executables`,
    );
    process.exit(1);
  }
}
