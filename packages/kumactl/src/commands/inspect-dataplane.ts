// `kumactl inspect dataplane NAME`: the rules that apply to a proxy, the Envoy configuration made from them, or what its Envoy says of itself.

import { MeshError } from '@ursa/resources';
import { type Command, Option } from 'commander';
import { type OutputFormat, outputOption } from '../flags.ts';
import { field } from '../json-fields.ts';
import { formatAttachedPolicies, formatRules } from '../rules-text.ts';
import type { Session } from '../session.ts';
import { formatYaml } from '../yaml-output.ts';
import { envoyPages, isEnvoyPage, readEnvoyPage } from './envoy-page.ts';
import { formatInbounds } from './inbound-states.ts';

interface InspectFlags {
  readonly type: string;
  readonly output: OutputFormat;
  readonly shadow: boolean;
  readonly include?: string;
  readonly includeEds: boolean;
}

/** Adds `inspect dataplane`. */
export function addInspectDataplane(inspect: Command, session: () => Session): void {
  inspect
    .command('dataplane')
    .description('Show what applies to one data plane proxy, or what its Envoy has')
    .argument('<name>', 'name of the Dataplane')
    .addOption(
      new Option('--type <type>', 'what to show')
        .choices(['policies', ...envoyPages, 'config', 'inbounds'])
        .default('policies'),
    )
    .addOption(outputOption())
    .option('--shadow', 'with --type config: take shadow policies into account', false)
    .addOption(
      new Option(
        '--include <what>',
        'with --type config: what the shadow policies would change, or what has no effect on the proxy',
      ).choices(['diff', 'warnings']),
    )
    .option('--include-eds', 'with --type config-dump: endpoints too (--type config always has them)', false)
    .action(async (name: string, flags: InspectFlags) => {
      const current = session();
      if (flags.type !== 'config' && (flags.shadow || flags.include !== undefined))
        throw new MeshError('invalid', '--shadow and --include go with --type config');
      const proxy = `/meshes/${encodeURIComponent(current.mesh)}/dataplanes/${encodeURIComponent(name)}`;
      current.terminal.print(
        isEnvoyPage(flags.type)
          ? await readEnvoyPage(current, proxy, flags.type, flags)
          : formatAnswer(await answerOf(current, proxy, flags), flags, current.terminal.now()),
      );
    });
}

async function answerOf(session: Session, proxy: string, flags: InspectFlags): Promise<unknown> {
  if (flags.type === 'config') return await session.client().get(`${proxy}/_config${queryOf(flags)}`);
  if (flags.includeEds) throw new MeshError('invalid', '--include-eds goes with --type config-dump and --type config');
  if (flags.type === 'inbounds') return await session.client().get(`${proxy}/_overview`);
  return await policiesOf(session, proxy);
}

function queryOf(flags: InspectFlags): string {
  const query = new URLSearchParams();
  if (flags.shadow) query.set('shadow', 'true');
  if (flags.include !== undefined) query.set('include', flags.include);
  return query.size > 0 ? `?${query}` : '';
}

/** Older control planes know no rules: what they say about the policies of a proxy is shown instead. */
async function policiesOf(session: Session, proxy: string): Promise<unknown> {
  try {
    return await session.client().get(`${proxy}/_rules`);
  } catch (error) {
    if (!(error instanceof MeshError) || error.code !== 'not-found') throw error;
    return session
      .client()
      .get(`${proxy}/policies`)
      .catch(() => {
        throw error;
      });
  }
}

function formatAnswer(answer: unknown, flags: InspectFlags, now: number): string {
  if (flags.output === 'yaml') return formatYaml(answer);
  if (flags.output === 'json' || flags.type === 'config') return `${JSON.stringify(answer, null, 2)}\n`;
  if (flags.type === 'inbounds') return formatInbounds(answer, now);
  return field(answer, 'rules') === undefined ? formatAttachedPolicies(answer) : formatRules(answer);
}
