// Runs other programs for the scripts: output goes to the terminal, the exit code comes back.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

/** The repository's root folder. */
export const root = join(import.meta.dirname, '..');

/** Ends with the program's exit code; 127 when it could not be started. */
export function run(
  command: string,
  args: readonly string[],
  options: { env?: NodeJS.ProcessEnv; cwd?: string } = {},
): number {
  const result = spawnSync(command, args, {
    cwd: options.cwd ?? root,
    env: options.env ?? process.env,
    stdio: 'inherit',
  });
  if (result.error !== undefined) console.error(`${command}: ${result.error.message}`);
  return result.status ?? 127;
}

/** Runs a program quietly. Gives its output, both streams together, beside the exit code. */
export function capture(
  command: string,
  args: readonly string[],
  options: { cwd?: string } = {},
): { code: number; output: string } {
  const result = spawnSync(command, args, { cwd: options.cwd ?? root, encoding: 'utf8', maxBuffer: 64 << 20 });
  return {
    code: result.status ?? 127,
    output: `${result.stdout ?? ''}${result.stderr ?? ''}${result.error?.message ?? ''}`,
  };
}
