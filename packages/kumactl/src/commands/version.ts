// `kumactl version [-a]`: this program's version, and the control plane's.
import type { Command } from 'commander';
import { field } from '../json-fields.ts';
import type { Session } from '../session.ts';

/** Version of the executables, kept equal to package.json by a test. */
export const version = '0.1.0';

/** Adds the command. */
export function addVersion(program: Command, session: () => Session): void {
  program
    .command('version')
    .description('Print the version')
    .option('-a, --detailed', "also the control plane's version", false)
    .action(async (flags: { readonly detailed: boolean }) => {
      const current = session();
      const client = `Client: Ursa ${version}\n`;
      if (!flags.detailed) return current.terminal.print(client);
      const index = await current.client().get('/');
      current.terminal.print(`${client}Server: ${field(index, 'product')} ${field(index, 'version')}\n`);
    });
}
