// `kumactl support-bundle`: everything that a bug report needs in one file, without secrets, also of a control plane that is half broken.
import { hostname, platform, release } from 'node:os';
import { gzipSync } from 'node:zlib';
import { MeshError } from '@ursa/resources';
import type { Command } from 'commander';
import { openApiClient } from '../api-client.ts';
import { withoutPassword } from '../connection-error.ts';
import { collectTexts } from '../flags.ts';
import { writeWholeFile } from '../named-files.ts';
import type { Session } from '../session.ts';
import { collectParts, type Part } from '../support/collect-parts.ts';
import { writeTar } from '../support/tar.ts';
import { version } from './version.ts';

interface BundleFlags {
  readonly output?: string;
  readonly dataplane: readonly string[];
  readonly diagnosticsAddress?: string;
}

const diagnosticsTimeout = 10_000;

/** Adds the command. */
export function addSupportBundle(program: Command, session: () => Session): void {
  program
    .command('support-bundle')
    .description(
      'Gather what a bug report needs into one file: versions, settings, resources, state and logs, without secrets',
    )
    .option('-o, --output <file>', 'the file (default: kumactl-support-<time>.tgz in this folder)')
    .option('--dataplane <name>', 'also what the Envoy of this proxy says; may be repeated', collectTexts, [])
    .option(
      '--diagnostics-address <url>',
      "the control plane's diagnostics server (default: port 5680 of the control plane's host)",
    )
    .action(async (flags: BundleFlags) => {
      const current = session();
      const api = current.client();
      const { address } = current;
      const diagnosticsAddress = flags.diagnosticsAddress ?? diagnosticsOf(address);
      const began = new Date(current.terminal.now());
      const stamp = began.toISOString().replaceAll(/[:-]|\.\d+/g, '');
      const file = flags.output ?? `kumactl-support-${stamp}.tgz`;
      const parts = await collectParts({
        api,
        diagnostics: openApiClient({ url: diagnosticsAddress }, { timeoutMilliseconds: diagnosticsTimeout }),
        proxies: flags.dataplane.map((name) => ({ mesh: current.mesh, name })),
      });
      const readme = formatReadme({ began, address: withoutPassword(address), parts });
      const folder = `kumactl-support-${stamp}`;
      const files = [
        { path: `${folder}/README.md`, content: Buffer.from(readme) },
        ...parts.flatMap((part) =>
          'text' in part ? [{ path: `${folder}/${part.path}`, content: Buffer.from(part.text) }] : [],
        ),
      ];
      const archive = gzipSync(writeTar(files, began.getTime()));
      writeWholeFile('--output', file, archive, 0o600);
      current.terminal.print(formatOutcome(file, archive.length, parts));
    });
}

/** Errors: `MeshError('invalid')` for an address that is no URL. */
function diagnosticsOf(address: string): string {
  if (!URL.canParse(address)) throw new MeshError('invalid', `the address "${withoutPassword(address)}" is not a URL`);
  const { hostname: host } = new URL(address);
  return `http://${host}:5680`;
}

function formatOutcome(file: string, size: number, parts: readonly Part[]): string {
  const missing = parts.flatMap((part) => ('missing' in part ? [`  ${part.path}: ${part.missing}\n`] : []));
  const there = `${file}: ${parts.length - missing.length} parts, ${Math.ceil(size / 1024)} KiB\n`;
  const advice = 'Secrets are left out; look through it before you send it: names and addresses are in it.\n';
  if (missing.length === 0) return `${there}${advice}`;
  return `${there}Missing, as its README.md says too:\n${missing.join('')}${advice}`;
}

interface Circumstances {
  readonly began: Date;
  readonly address: string;
  readonly parts: readonly Part[];
}

function formatReadme({ began, address, parts }: Circumstances): string {
  const rows = parts.map((part) =>
    'text' in part
      ? `| ${part.path} | ${Buffer.byteLength(part.text)} bytes${part.note === undefined ? '' : `; ${part.note}`} |`
      : `| ${part.path} | missing: ${part.missing.replaceAll('|', '\\|').replaceAll('\n', ' ')} |`,
  );
  return `# Bundle for a bug report

Made by kumactl ${version} on ${hostname()} (${platform()} ${release()}, ${process.version}) at ${began.toISOString()},
of the control plane at ${address}.

Left out are the content of Secrets and GlobalSecrets, private keys and certificates' keys in other resources, tokens, passwords and
whatever stands under such a name. Names, addresses, labels and settings are in it: look through it before you send it.

Read \`diagnostics/ready.json\` first (what is not well), then \`control-plane/log.jsonl\` (the newest lines), \`insights/rollout.json\`
(which proxies do not have the newest change, and what they refuse), \`control-plane/config.json\` (the settings in use).

| file | |
|---|---|
${rows.join('\n')}
`;
}
