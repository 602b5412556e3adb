// `kumactl export`: what a control plane holds, as documents that `kumactl apply` takes, in an order in which they can be applied.
import { type Command, Option } from 'commander';
import { fetchExportedTypes, type Profile, profiles, readResources, selectTypes } from '../exported-resources.ts';
import type { Session } from '../session.ts';
import { formatResourceYaml, formatYaml } from '../yaml-output.ts';

interface ExportFlags {
  readonly profile: Profile;
  readonly format: 'universal' | 'kubernetes';
  readonly includeAdmin?: true;
}

/** Adds the command. */
export function addExport(program: Command, session: () => Session): void {
  program
    .command('export')
    .description('Print the resources of a control plane, to be applied to another one')
    .addOption(
      new Option(
        '-p, --profile <name>',
        'which resources: "federation" has what a global control plane takes over (meshes, secrets, no policies), "no-dataplanes" all but proxies',
      )
        .choices(profiles)
        .default('federation'),
    )
    .addOption(
      new Option('-f, --format <name>', 'form of the documents')
        .choices(['universal', 'kubernetes'])
        .default('universal'),
    )
    .option('-a, --include-admin', 'with secrets; the profiles for federation always have them')
    .action(async ({ profile, format, includeAdmin }: ExportFlags) => {
      const { client: open, terminal } = session();
      const client = open();
      const types = selectTypes(await fetchExportedTypes(client), profile, includeAdmin === true);
      const documents = await readResources(client, types, { profile, format });
      terminal.print(documents.map(format === 'universal' ? formatResourceYaml : formatYaml).join('---\n'));
    });
}
