// `kumactl mtls plan`: how far a mesh is on its way to mTLS only, and the next step.
import type { Command } from 'commander';
import { CommandEnd, exitCodes } from '../exit-codes.ts';
import { type OutputFormat, outputOption } from '../flags.ts';
import { field, listOf } from '../json-fields.ts';
import type { Session } from '../session.ts';
import { formatTable } from '../table.ts';
import { formatYaml } from '../yaml-output.ts';

const blocking: ReadonlySet<string> = new Set(['no certificate', 'plaintext', 'undecided']);

/** Adds `mtls plan`. */
export function addMtls(program: Command, session: () => Session): void {
  const mtls = program.command('mtls').description('Bring a mesh to mTLS without losing clients');
  mtls
    .command('plan')
    .description('Show which proxies are ready for mTLS only, which clients would be cut off, and the next step')
    .addOption(outputOption())
    .addHelpText(
      'after',
      `\nExit codes: ${exitCodes.done} nobody would be cut off, ${exitCodes.failed} failed, ${exitCodes.usage} wrong usage, ${exitCodes.refused} somebody would.`,
    )
    .action(async ({ output }: { readonly output: OutputFormat }) => {
      const { client, mesh, terminal } = session();
      const plan = await client().get(`/meshes/${encodeURIComponent(mesh)}/_mtls-plan`);
      if (output === 'yaml') terminal.print(formatYaml(plan));
      else terminal.print(output === 'json' ? `${JSON.stringify(plan, null, 2)}\n` : formatPlan(plan));
      const states = listOf(plan, 'proxies').map((proxy) => String(field(proxy, 'state')));
      if (states.some((state) => blocking.has(state))) throw new CommandEnd(exitCodes.refused);
    });
}

function formatPlan(plan: unknown): string {
  const text = (...path: readonly string[]): string => String(field(plan, ...path) ?? '');
  const backend = text('backend') === '' ? '' : `, backend ${text('backend')}`;
  const names = listOf(plan, 'identities').map(String);
  const identities = names.length === 0 ? '' : `, MeshIdentity ${names.join(', ')}`;
  const rows = [
    ...listOf(plan, 'proxies').map((proxy) => [
      String(field(proxy, 'name')),
      String(field(proxy, 'state')),
      String(field(proxy, 'reason')),
    ]),
    ...listOf(plan, 'notConnected').map((name) => [String(name), 'not connected', '']),
  ];
  const table = rows.length === 0 ? 'No proxies.\n' : formatTable(['DATAPLANE', 'STATE', 'WHY'], rows);
  const notes = listOf(plan, 'notes').map((note) => `Note: ${String(note)}\n`);
  return `mesh ${text('mesh')}: mTLS ${text('mode')}${backend}${identities}\n\n${table}\n${notes.join('')}Next: ${text('next')}\n`;
}
