// `kumactl inspect dataplane NAME`: the policies that apply to a proxy, its rules, or the Envoy configuration made from them.

import { MeshError } from '@ursa/resources';
import type { Command } from 'commander';
import { field } from '../json-fields.ts';
import { type OutputFormat, outputFormat } from '../output-format.ts';
import { formatAttachedPolicies, formatRules } from '../rules-text.ts';
import type { Session } from '../session.ts';
import { formatYaml } from '../yaml-output.ts';

interface InspectFlags {
  readonly type: string;
  readonly output: OutputFormat;
  readonly shadow: boolean;
  readonly include?: string;
}

/** What can be asked of a proxy, and the REST path that answers. */
const endpoints: Readonly<Record<string, string>> = { policies: '_rules', config: '_config' };

/** Adds `inspect dataplane`. */
export function addInspectDataplane(inspect: Command, session: () => Session): void {
  inspect
    .command('dataplane')
    .description('Show what applies to one data plane proxy')
    .argument('<name>', 'name of the Dataplane')
    .option('--type <type>', `what to show: ${Object.keys(endpoints).join(' or ')}`, 'policies')
    .option('-o, --output <format>', 'table, yaml or json', outputFormat, 'table')
    .option('--shadow', 'with --type config: take shadow policies into account', false)
    .option('--include <what>', 'with --type config: diff shows what the shadow policies would change')
    .action(async (name: string, flags: InspectFlags) => {
      const current = session();
      const endpoint = endpoints[flags.type];
      if (endpoint === undefined)
        throw new MeshError('invalid', `--type: expected ${Object.keys(endpoints).join(' or ')}, got "${flags.type}"`);
      const proxy = `/meshes/${encodeURIComponent(current.mesh)}/dataplanes/${encodeURIComponent(name)}`;
      const answer = await ask(current, `${proxy}/${endpoint}${queryOf(flags)}`, `${proxy}/policies`, flags);
      current.terminal.print(formatAnswer(answer, flags));
    });
}

function queryOf(flags: InspectFlags): string {
  if (flags.type !== 'config') {
    if (flags.shadow || flags.include !== undefined)
      throw new MeshError('invalid', '--shadow and --include go with --type config');
    return '';
  }
  if (flags.include !== undefined && flags.include !== 'diff')
    throw new MeshError('invalid', `--include: expected diff, got "${flags.include}"`);
  const query = new URLSearchParams();
  if (flags.shadow) query.set('shadow', 'true');
  if (flags.include !== undefined) query.set('include', flags.include);
  return query.size > 0 ? `?${query}` : '';
}

/** Older control planes know no rules: what they say about the policies of a proxy is shown instead. */
async function ask(session: Session, path: string, olderPath: string, flags: InspectFlags): Promise<unknown> {
  const get = async (from: string): Promise<unknown> =>
    JSON.parse((await session.client().send({ method: 'GET', path: from })).text);
  try {
    return await get(path);
  } catch (error) {
    if (flags.type !== 'policies' || !(error instanceof MeshError) || error.code !== 'not-found') throw error;
    return get(olderPath).catch(() => {
      throw error;
    });
  }
}

function formatAnswer(answer: unknown, flags: InspectFlags): string {
  if (flags.output === 'yaml') return formatYaml(answer);
  if (flags.output === 'json' || flags.type === 'config') return `${JSON.stringify(answer, null, 2)}\n`;
  return field(answer, 'rules') === undefined ? formatAttachedPolicies(answer) : formatRules(answer);
}
