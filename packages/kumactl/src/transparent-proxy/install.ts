// `kumactl install transparent-proxy`: from the configuration to a host whose traffic goes through Envoy.
import { MeshError } from '@ursa/resources';
import {
  checkConfig,
  configWarnings,
  firewalldElements,
  firewalldFile,
  formatFirewalldFile,
  formatRestoreText,
  redirectedSshPorts,
  type TransparentProxyConfig,
  tableLines,
} from '@ursa/transparent-proxy';
import { applyChange } from './apply-change.ts';
import { addBypassAddress } from './bypass-address.ts';
import { type FamilyPlan, planFamilies } from './gather-facts.ts';
import type { Host } from './host.ts';
import { familyNames, findAllIptables, type Iptables } from './iptables.ts';
import { requireRoot } from './require-root.ts';
import { findSshPorts } from './ssh-ports.ts';

/** What it is done with. */
export interface InstallOptions {
  readonly host: Host;
  readonly config: TransparentProxyConfig;
  /** `$SSH_CONNECTION`. */
  readonly sshConnection: string | undefined;
  /** True to redirect SSH too. */
  readonly redirectSsh: boolean;
  readonly print: (text: string) => void;
  readonly warn: (line: string) => void;
}

/** Installs the rules, in place of those that are there, or prints them in a dry run. Throws `MeshError` that says what to do. */
export async function installTransparentProxy(options: InstallOptions): Promise<void> {
  const { host, config, print, warn } = options;
  checkConfig(config);
  configWarnings(config).forEach(warn);
  requireRoot(host, config.dryRun, warn);
  guardSsh(options);
  const plans = planFamilies(host, config, warn);
  if (config.dryRun) return printPlans(plans, options);
  if (plans.some(({ family }) => family === 'ipv6')) addBypassAddress(host);
  for (const plan of plans) await installFamily(plan, options);
  await clearOthers(plans, options);
  if (config.storeFirewalld) storeFirewalld(plans, options);
  const uid = plans[0]?.uid ?? '';
  print(`# Traffic of this host is redirected. Run kuma-dp as the user with UID ${uid}, with --transparent-proxy.\n`);
}

async function installFamily({ iptables, tables, style, family }: FamilyPlan, options: InstallOptions): Promise<void> {
  const { host, config, print, warn } = options;
  if (iptables === undefined) return;
  const { text } = await applyChange(host, { iptables, config, tables, style, keep: true }, warn);
  if (config.verbose) print(`### ${familyNames[family]} ###\n\n${text}\n`);
  const count = tables.reduce((sum, { rules }) => sum + rules.length, 0);
  print(`# ${familyNames[family]}: ${count} rules are in place, made by ${iptables.restore}\n`);
}

/** Rules from an earlier installation may be in the other kind of iptables, or of a family that is not redirected any more: two sets redirect twice. */
async function clearOthers(plans: readonly FamilyPlan[], { host, config, print, warn }: InstallOptions): Promise<void> {
  const isUsed = ({ mode, family }: Iptables): boolean =>
    plans.some(({ iptables }) => iptables?.mode === mode && iptables.family === family);
  for (const iptables of findAllIptables(host).filter((found) => !isUsed(found))) {
    const tables = plans.find(({ family }) => family === iptables.family)?.tables ?? [];
    const style = { long: false, comments: true };
    const { text } = await applyChange(host, { iptables, config, tables, style, keep: false }, warn);
    if (text !== '')
      print(`# ${familyNames[iptables.family]}: rules of iptables-${iptables.mode} from before are gone\n`);
  }
}

function printPlans(plans: readonly FamilyPlan[], options: InstallOptions): void {
  const texts = plans.map(({ family, tables, style }) => {
    const lines = tables.map((table) => tableLines(table, style));
    return `### ${familyNames[family]} ###\n\n${formatRestoreText(lines, style)}`;
  });
  options.print(texts.join('\n'));
  if (options.config.storeFirewalld)
    options.print(`\n### ${firewalldFile} ###\n\n${firewalldText(plans, options.host)}`);
}

function firewalldText(plans: readonly FamilyPlan[], host: Host): string {
  const elements = plans.flatMap(({ family, tables, style }) =>
    firewalldElements(
      formatRestoreText(
        tables.map((table) => tableLines(table, style)),
        style,
      ),
      family,
    ),
  );
  return formatFirewalldFile(elements, host.read(firewalldFile));
}

function storeFirewalld(plans: readonly FamilyPlan[], { host, print }: InstallOptions): void {
  try {
    host.write(firewalldFile, firewalldText(plans, host));
  } catch (cause) {
    throw new MeshError(
      'unavailable',
      `--store-firewalld: ${firewalldFile} cannot be written: ${(cause as Error).message}; is firewalld installed?`,
      { cause },
    );
  }
  print(`# ${firewalldFile} holds the rules: firewalld sets them when it starts\n`);
}

/** A redirected SSH port is closed to everybody while Envoy does not run, and to most while it does. */
function guardSsh({ host, config, sshConnection, redirectSsh, warn }: InstallOptions): void {
  if (redirectSsh) return;
  const ports = redirectedSshPorts(config, findSshPorts(host, sshConnection));
  if (ports.length === 0) return;
  const list = ports.join(', ');
  const message =
    `the SSH server of this host (port ${list}) would be redirected to Envoy, and nobody could log in any more; ` +
    `leave it alone with --exclude-inbound-ports ${[...config.inboundExcludePorts, ...ports].join(',')}, or redirect it all the same with --redirect-ssh`;
  if (!config.dryRun) throw new MeshError('conflict', message);
  warn(message);
}
