// `kumactl delete TYPE NAME`.
import type { Command } from 'commander';
import { findType, resourcePath } from '../resource-paths.ts';
import type { Session } from '../session.ts';

/** Adds the command. */
export function addDelete(program: Command, session: () => Session): void {
  program
    .command('delete')
    .description('Delete one resource')
    .argument('<type>', 'resource type')
    .argument('<name>', 'its name')
    .action(async (typeWord: string, name: string) => {
      const current = session();
      const type = await findType(typeWord, current);
      await current.client().send({ method: 'DELETE', path: resourcePath(type, current.mesh, name) });
      current.terminal.print(`deleted ${type.name} "${name}"\n`);
    });
}
