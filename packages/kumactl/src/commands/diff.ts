// `kumactl diff -f`: what the resources in a file would change if they were applied, or deleted.
import type { Command } from 'commander';
import { askChange, printChange } from '../change-request.ts';
import { CommandEnd, exitCodes } from '../exit-codes.ts';
import { collectPairs, type OutputFormat, outputOption } from '../flags.ts';
import { field } from '../json-fields.ts';
import { planWrites, type SourceFlags } from '../planned-writes.ts';
import type { Session } from '../session.ts';

interface DiffFlags extends SourceFlags {
  readonly delete: boolean;
  readonly output: OutputFormat;
}

/** Adds the command. */
export function addDiff(program: Command, session: () => Session): void {
  program
    .command('diff')
    .description('Show which policies, proxies and Envoy resources a change would touch; nothing is written')
    .requiredOption('-f, --file <place>', 'file, folder, address, or - for standard input')
    .option('-v, --var <name=value>', 'value for {{ name }} in the documents', collectPairs, [])
    .option('--delete', 'what if the resources were deleted instead of applied', false)
    .addOption(outputOption())
    .addHelpText(
      'after',
      `\nExit codes: ${exitCodes.done} nothing would change, ${exitCodes.failed} failed, ${exitCodes.usage} wrong usage, ${exitCodes.wouldChange} something would change.`,
    )
    .action(async (flags: DiffFlags) => {
      const current = session();
      const answer = await askChange(current, await planWrites(current, flags), flags.delete);
      printChange(current, answer, flags.output);
      if (field(answer, 'changes') === true) throw new CommandEnd(exitCodes.wouldChange);
    });
}
