// What the Envoy of a proxy says of itself, asked through the control plane: for `inspect dataplane`, `inspect zoneingress` and `inspect zoneegress`.
import { MeshError } from '@ursa/resources';
import type { OutputFormat } from '../flags.ts';
import type { Session } from '../session.ts';
import { formatYaml } from '../yaml-output.ts';

/** Words of `--type` that are answered by Envoy itself. */
export const envoyPages = ['config-dump', 'stats', 'clusters'] as const;

/** One of them. */
export type EnvoyPage = (typeof envoyPages)[number];

/** Whether a word of `--type` is one. */
export function isEnvoyPage(word: string): word is EnvoyPage {
  return (envoyPages as readonly string[]).includes(word);
}

/** How a page is asked for. */
export interface EnvoyPageFlags {
  readonly output: OutputFormat;
  readonly includeEds: boolean;
}

/** Text of a page of the proxy at an API path. Statistics and clusters are Envoy's own text unless `-o` asks for JSON or YAML. */
export async function readEnvoyPage(
  session: Session,
  proxyPath: string,
  page: EnvoyPage,
  flags: EnvoyPageFlags,
): Promise<string> {
  requireFitting(page, flags);
  if (page === 'config-dump') {
    const dump = await session.client().get(`${proxyPath}/xds${flags.includeEds ? '?include_eds=true' : ''}`);
    return flags.output === 'yaml' ? formatYaml(dump) : `${JSON.stringify(dump, null, 2)}\n`;
  }
  const path = `${proxyPath}/${page}`;
  if (flags.output === 'table') return (await session.client().send({ method: 'GET', path, accept: '*/*' })).text;
  const answer = await session.client().get(`${path}?format=json`);
  return flags.output === 'yaml' ? formatYaml(answer) : `${JSON.stringify(answer, null, 2)}\n`;
}

function requireFitting(page: EnvoyPage, { includeEds }: EnvoyPageFlags): void {
  if (includeEds && page !== 'config-dump')
    throw new MeshError('invalid', '--include-eds goes with --type config-dump and --type config');
}
