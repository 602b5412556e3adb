// `kumactl get TYPE [NAME]`: reads resources and prints them as a table, YAML or JSON.
import type { Command } from 'commander';
import { type OutputFormat, outputOption, wholeNumber } from '../flags.ts';
import { field, listOf } from '../json-fields.ts';
import { findType, listPath, resourcePath } from '../resource-paths.ts';
import { tableOf } from '../resource-table.ts';
import type { Session } from '../session.ts';
import { formatResourceYaml, formatYaml } from '../yaml-output.ts';

interface GetFlags {
  readonly output: OutputFormat;
  readonly size?: string;
  readonly offset?: string;
}

/** Adds the command. */
export function addGet(program: Command, session: () => Session): void {
  program
    .command('get')
    .description('Show resources: all of a type, or one by name')
    .argument('<type>', 'resource type: any of its names, such as meshtimeouts, meshtimeout or mt')
    .argument('[name]', 'name of one resource')
    .addOption(outputOption())
    .option('--size <number>', 'how many to show, 1 to 1000 (default 100)', wholeNumber(1))
    .option('--offset <number>', 'where to go on, as the last list said', wholeNumber(0))
    .action(async (typeWord: string, name: string | undefined, flags: GetFlags) => {
      const current = session();
      const type = await findType(typeWord, current);
      const path =
        name === undefined ? listPath(type, current.mesh) + queryOf(flags) : resourcePath(type, current.mesh, name);
      const answer = await current.client().get(path);
      const now = current.terminal.now();
      if (flags.output === 'json') current.terminal.print(`${JSON.stringify(answer, null, 2)}\n`);
      else if (flags.output === 'yaml')
        current.terminal.print(name === undefined ? formatYaml(answer) : formatResourceYaml(answer));
      else if (name === undefined)
        current.terminal.print(tableOf(type, listOf(answer, 'items'), now) + continuation(answer));
      else current.terminal.print(tableOf(type, [answer], now));
    });
}

function queryOf({ size, offset }: GetFlags): string {
  const query = new URLSearchParams();
  if (size !== undefined) query.set('size', size);
  if (offset !== undefined) query.set('offset', offset);
  return query.size > 0 ? `?${query}` : '';
}

function continuation(answer: unknown): string {
  const next = field(answer, 'next');
  const offset = typeof next === 'string' ? new URL(next, 'http://localhost').searchParams.get('offset') : null;
  return offset === null ? '' : `\nRerun command with --offset=${offset} argument to retrieve more resources\n`;
}
