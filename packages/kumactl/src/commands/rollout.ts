// `kumactl rollout status`: which proxies have a change, and which do not.
import { parseDuration } from '@ursa/resources';
import { type Command, Option } from 'commander';
import { exitCodes } from '../exit-codes.ts';
import { type OutputFormat, outputOption, positiveDuration, wholeNumber } from '../flags.ts';
import { followRollout, parseShare, rolloutPath, type Share } from '../follow-rollout.ts';
import { field } from '../json-fields.ts';
import type { Session } from '../session.ts';
import { formatYaml } from '../yaml-output.ts';

interface StatusFlags {
  readonly revision?: string;
  readonly wait?: Share | true;
  readonly timeout: string;
  readonly allMeshes: boolean;
  readonly output: OutputFormat;
}

/** Adds `rollout status`. */
export function addRollout(program: Command, session: () => Session): void {
  const rollout = program.command('rollout').description('Follow changes to the proxies');
  rollout
    .command('status')
    .description('Show how many connected proxies have a change, and name those that do not')
    .option('--revision <number>', 'revision of the change (default: the newest)', wholeNumber(0))
    .addOption(waitOption())
    .addOption(timeoutOption())
    .option('--all-meshes', 'look at the proxies of all meshes', false)
    .addOption(outputOption())
    .addHelpText('after', `\n${exitCodesText}`)
    .action(async (flags: StatusFlags) => {
      const current = session();
      const mesh = flags.allMeshes ? undefined : current.mesh;
      const query = new URLSearchParams(flags.revision === undefined ? {} : { revision: flags.revision });
      const answer = await current.client().get(rolloutPath(mesh, query));
      if (flags.output !== 'table') {
        const text = flags.output === 'yaml' ? formatYaml(answer) : `${JSON.stringify(answer, null, 2)}\n`;
        return current.terminal.print(text);
      }
      await followRollout(current, {
        revision: Number(field(answer, 'revision')),
        mesh,
        share: shareOf(flags.wait),
        timeout: flags.wait === undefined ? 0 : (parseDuration(flags.timeout) ?? 0),
      });
    });
}

/** `--wait[=share]`, as `apply` has it too. */
export function waitOption(): Option {
  return new Option('--wait [share]', 'wait until "all" connected proxies, or a share such as 95%, have it').argParser(
    parseShare,
  );
}

/** `--timeout`, as `apply` has it too. */
export function timeoutOption(): Option {
  return new Option('--timeout <duration>', 'with --wait: longest wait').argParser(positiveDuration).default('1m');
}

/** The share that a `--wait` without a value means. */
export function shareOf(wait: Share | true | undefined): Share {
  return typeof wait === 'number' ? wait : 100;
}

/** For `--help` of commands that wait. */
export const exitCodesText = `Exit codes: ${exitCodes.done} all have it, ${exitCodes.failed} failed, ${exitCodes.usage} wrong usage, ${exitCodes.timeout} not over in time, ${exitCodes.refused} a proxy refuses it.`;
