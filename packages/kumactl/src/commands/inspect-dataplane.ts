// `kumactl inspect dataplane NAME`: the policies that apply to a proxy, its rules, or the Envoy configuration made from them.

import { MeshError } from '@ursa/resources';
import type { Command } from 'commander';
import { type OutputFormat, outputFormat } from '../output-format.ts';
import { field } from '../resource-table.ts';
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
      const query = new URLSearchParams();
      if (flags.shadow) query.set('shadow', 'true');
      if (flags.include !== undefined) query.set('include', flags.include);
      const path = `/meshes/${encodeURIComponent(current.mesh)}/dataplanes/${encodeURIComponent(name)}/${endpoint}${query.size > 0 ? `?${query}` : ''}`;
      const answer: unknown = JSON.parse((await current.client().send({ method: 'GET', path })).text);
      current.terminal.print(formatAnswer(answer, flags));
    });
}

function formatAnswer(answer: unknown, flags: InspectFlags): string {
  if (flags.output === 'yaml') return formatYaml(answer);
  if (flags.output === 'json' || flags.type === 'config') return `${JSON.stringify(answer, null, 2)}\n`;
  return formatRules(answer);
}

/** Rules as text: per policy type, where they apply, which policies they come from, and the merged configuration. */
export function formatRules(answer: unknown): string {
  const rules = list(field(answer, 'rules'));
  if (rules.length === 0) return 'no policy applies to this proxy\n';
  return rules.map(formatPolicyRules).join('\n');
}

function formatPolicyRules(rule: unknown): string {
  const lines = [`${field(rule, 'type')}`];
  for (const inbound of list(field(rule, 'inboundRules'))) {
    for (const entry of list(field(inbound, 'rules'))) {
      lines.push(
        `  inbound ${field(inbound, 'inbound', 'port')}: ${originsOf(entry)}`,
        `    ${JSON.stringify(field(entry, 'conf'))}`,
      );
    }
  }
  for (const entry of list(field(rule, 'toResourceRules'))) {
    const section = field(entry, 'resourceSectionName');
    const target = `${field(entry, 'resourceMeta', 'type')} ${field(entry, 'resourceMeta', 'name')}${section ? ` section ${section}` : ''}`;
    lines.push(`  to ${target}: ${originsOf(entry)}`, `    ${JSON.stringify(field(entry, 'conf'))}`);
  }
  for (const entry of list(field(rule, 'toRules'))) {
    lines.push(
      `  to ${JSON.stringify(field(entry, 'matchers'))}: ${originsOf(entry)}`,
      `    ${JSON.stringify(field(entry, 'conf'))}`,
    );
  }
  const proxyRule = field(rule, 'proxyRule');
  if (proxyRule !== undefined)
    lines.push(`  proxy: ${originsOf(proxyRule)}`, `    ${JSON.stringify(field(proxyRule, 'conf'))}`);
  for (const warning of list(field(rule, 'warnings'))) lines.push(`  warning: ${warning}`);
  return `${lines.join('\n')}\n`;
}

function originsOf(entry: unknown): string {
  const names = list(field(entry, 'origin')).map(
    (origin) => field(origin, 'resourceMeta', 'name') ?? field(origin, 'name'),
  );
  return `from ${names.join(', ')}`;
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
