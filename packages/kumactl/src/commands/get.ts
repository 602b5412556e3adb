// `kumactl get TYPE [NAME]`: reads resources and prints them as a table, YAML or JSON.

import { MeshError } from '@ursa/resources';
import type { Command } from 'commander';
import { type OutputFormat, outputFormat } from '../output-format.ts';
import { listPath, resourcePath, typeNamed } from '../resource-paths.ts';
import { type Document, tableOf } from '../resource-table.ts';
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
    .option('-o, --output <format>', 'table, yaml or json', outputFormat, 'table')
    .option('--size <number>', 'how many to show, 1 to 1000')
    .option('--offset <number>', 'where to go on, as the last list said')
    .action(async (typeWord: string, name: string | undefined, flags: GetFlags) => {
      const current = session();
      const type = typeNamed(current.types, typeWord);
      if (name === undefined) {
        const query = listQuery(flags);
        const answer = await current.client().send({ method: 'GET', path: listPath(type, current.mesh) + query });
        const list: { items: Document[]; next: string | null } = JSON.parse(answer.text);
        current.terminal.print(formatList(list, flags.output, type.name, current.terminal.now()));
      } else {
        const answer = await current.client().send({ method: 'GET', path: resourcePath(type, current.mesh, name) });
        const resource: Document = JSON.parse(answer.text);
        current.terminal.print(formatOne(resource, flags.output, type.name, current.terminal.now()));
      }
    });
}

function listQuery(flags: GetFlags): string {
  const query = new URLSearchParams();
  for (const [flag, value] of [
    ['size', flags.size],
    ['offset', flags.offset],
  ] as const) {
    if (value === undefined) continue;
    if (!/^\d+$/.test(value)) throw new MeshError('invalid', `--${flag}: expected a number, got "${value}"`);
    query.set(flag, value);
  }
  return query.size > 0 ? `?${query}` : '';
}

function formatList(
  list: { readonly items: readonly Document[]; readonly next: string | null },
  output: OutputFormat,
  typeName: string,
  now: number,
): string {
  if (output === 'json') return `${JSON.stringify(list, null, 2)}\n`;
  if (output === 'yaml') return formatYaml(list);
  const offset = list.next === null ? null : new URL(list.next, 'http://localhost').searchParams.get('offset');
  const more = offset === null ? '' : `\nRerun command with --offset=${offset} argument to retrieve more resources\n`;
  return tableOf(typeName, list.items, now) + more;
}

function formatOne(resource: Document, output: OutputFormat, typeName: string, now: number): string {
  if (output === 'json') return `${JSON.stringify(resource, null, 2)}\n`;
  if (output === 'yaml') return formatResourceYaml(resource);
  return tableOf(typeName, [resource], now);
}
