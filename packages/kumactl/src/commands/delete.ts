// `kumactl delete TYPE NAME`.
import type { Command } from 'commander';
import { forceOption } from '../flags.ts';
import { findType, resourcePath } from '../resource-paths.ts';
import type { Session } from '../session.ts';

/** Adds the command. */
export function addDelete(program: Command, session: () => Session): void {
  program
    .command('delete')
    .description('Delete one resource')
    .argument('<type>', 'resource type')
    .argument('<name>', 'its name')
    .addOption(forceOption())
    .action(async (typeWord: string, name: string, { force }: { readonly force: boolean }) => {
      const current = session();
      const type = await findType(typeWord, current);
      const path = resourcePath(type, current.mesh, name);
      await current.client().send({ method: 'DELETE', path: force ? `${path}?force=true` : path });
      current.terminal.print(`deleted ${type.name} "${name}"\n`);
    });
}
