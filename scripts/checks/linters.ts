// The checks that other programs do: the compiler, the linter with the formatter, and the search for unused code.
import { capture } from '../process.ts';
import type { Check } from './check.ts';

function program(name: string, command: string, args: readonly string[]): Check {
  return {
    name,
    run() {
      const { code, output } = capture(process.execPath, [`node_modules/${command}`, ...args]);
      if (code === 0) return [];
      const lines = output.split('\n').filter((line) => line.trim() !== '');
      return lines.length > 0 ? lines.slice(0, 200) : [`${command} ended with ${code}`];
    },
  };
}

/** TypeScript's compiler finds no error. What it found the last time is kept, so that only what has changed since is read again. */
export const types = program('types', 'typescript7/bin/tsc', [
  ...['-p', '.', '--incremental'],
  ...['--tsBuildInfoFile', 'node_modules/.cache/types.tsbuildinfo'],
]);

/** The linter and the formatter have nothing to say. */
export const formatting = program('formatting', '@biomejs/biome/bin/biome', [
  'ci',
  '--colors=off',
  '--diagnostic-level=warn',
  '--max-diagnostics=50',
  '.',
]);

/** No export, file or dependency is unused. */
export const unused = program('unused', 'knip/bin/knip.js', ['--no-progress', '--no-config-hints']);
