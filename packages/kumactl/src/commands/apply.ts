// `kumactl apply -f`: reads documents, refuses them here when they cannot be right, and puts them into the control plane as one change.

import { MeshError, parseDuration } from '@ursa/resources';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { askChange, printChange } from '../change-request.ts';
import { collectPairs, forceOption } from '../flags.ts';
import { followRollout, type Share } from '../follow-rollout.ts';
import { type PlannedWrite, planWrites, type SourceFlags } from '../planned-writes.ts';
import { sendWrites } from '../send-writes.ts';
import type { Session } from '../session.ts';
import { formatResourceYaml } from '../yaml-output.ts';
import { exitCodesText, shareOf, timeoutOption, waitOption } from './rollout.ts';

interface ApplyFlags extends SourceFlags {
  readonly dryRun?: 'client' | 'server' | false | true;
  readonly wait?: Share | true;
  readonly timeout: string;
  readonly force: boolean;
}

/** Adds the command. */
export function addApply(program: Command, session: () => Session): void {
  program
    .command('apply')
    .description('Create or update resources')
    .requiredOption('-f, --file <place>', 'file, folder, address, or - for standard input')
    .option('-v, --var <name=value>', 'value for {{ name }} in the documents', collectPairs, [])
    .addOption(
      new Option(
        '--dry-run [side]',
        'apply nothing: "client" (when left out) prints the resources, "server" what they would change, as diff does',
      ).argParser(dryRunOf),
    )
    .addOption(forceOption())
    .addOption(waitOption())
    .addOption(timeoutOption())
    .addHelpText('after', `\n${exitCodesText}`)
    .action(async (flags: ApplyFlags) => {
      const current = session();
      const writes = await planWrites(current, flags);
      if (flags.dryRun === 'server') return printChange(current, await askChange(current, writes, false), 'table');
      if (flags.dryRun !== undefined && flags.dryRun !== false)
        return current.terminal.print(writes.map(({ body }) => formatResourceYaml(body)).join('---\n'));
      const revision = await sendWrites(current, writes, { force: flags.force });
      if (flags.wait !== undefined) await waitForProxies(current, writes, revision, flags);
    });
}

/** A side; or, as users of the peer write it, whether at all. */
function dryRunOf(text: string): 'client' | 'server' | boolean {
  if (text === 'client' || text === 'server') return text;
  if (text === 'true' || text === 'false') return text === 'true';
  throw new InvalidArgumentError('Expected client or server.');
}

/** Waits for the proxies of the mesh that was written to; of all meshes when it was not one. */
async function waitForProxies(
  session: Session,
  writes: readonly PlannedWrite[],
  revision: number | undefined,
  flags: ApplyFlags,
): Promise<void> {
  if (revision === undefined)
    throw new MeshError('unsupported', '--wait: this control plane does not say the revision of a write');
  const meshes = new Set(writes.map(({ type, mesh, name }) => (type.name === 'Mesh' ? name : mesh)));
  const [mesh = ''] = meshes;
  await followRollout(session, {
    revision,
    mesh: meshes.size === 1 && mesh !== '' ? mesh : undefined,
    share: shareOf(flags.wait),
    timeout: parseDuration(flags.timeout) ?? 0,
  });
}
