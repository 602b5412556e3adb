// `kumactl version [-a]`: this program's version, and the control plane's.
import type { Command } from 'commander';
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
      current.terminal.print(`Client: Ursa ${version}\n`);
      if (!flags.detailed) return;
      const answer = await current.client().send({ method: 'GET', path: '/' });
      const index: { product: string; version: string } = JSON.parse(answer.text);
      current.terminal.print(`Server: ${index.product} ${index.version}\n`);
    });
}
