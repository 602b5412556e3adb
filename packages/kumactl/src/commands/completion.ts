// `kumactl completion SHELL` prints a script; the script asks the hidden `kumactl __complete` for candidates.
import { Argument, type Command } from 'commander';
import { candidatesFor } from '../completion/candidates.ts';
import { completionScripts } from '../completion/scripts.ts';
import type { Session } from '../session.ts';

const shells = Object.keys(completionScripts);

/** Adds `completion` and the hidden `__complete`. */
export function addCompletion(program: Command, session: () => Session): void {
  program
    .command('completion')
    .description('Print a completion script for a shell')
    .addArgument(new Argument('<shell>', 'the shell').choices(shells))
    .action((shell: string) => session().terminal.print(completionScripts[shell] ?? ''));
  program
    .command('__complete', { hidden: true })
    .argument('[words...]')
    .action(async (words: readonly string[]) => {
      const candidates = await candidatesFor(program, session(), words);
      session().terminal.print(candidates.map((candidate) => `${candidate}\n`).join(''));
    });
}
