// `kumactl uninstall transparent-proxy`: takes away everything that installing has made, by whichever iptables it was, and nothing else.
import { MeshError } from '@ursa/resources';
import {
  firewalldFile,
  formatFirewalldFile,
  hasFirewalldElements,
  type TransparentProxyConfig,
} from '@ursa/transparent-proxy';
import { applyChange, doubtfulRules, planHostChange, type WantedRules } from './apply-change.ts';
import { hasBypassAddress, removeBypassAddress } from './bypass-address.ts';
import { planFamilies } from './gather-facts.ts';
import type { Host } from './host.ts';
import { familyNames, findAllIptables } from './iptables.ts';
import { requireRoot } from './require-root.ts';

/** What it is done with. */
export interface UninstallOptions {
  readonly host: Host;
  /** The one it was installed with, where rules have no comments; else only how to go about it counts. */
  readonly config: TransparentProxyConfig;
  /** True when the user has given a configuration. */
  readonly configGiven: boolean;
  readonly print: (text: string) => void;
  readonly warn: (line: string) => void;
}

/** Older versions pointed this file at the control plane, and kept what it was. */
const resolvConfig = '/etc/resolv.conf';
const resolvConfigBackup = '/etc/resolv.conf.kuma-backup';

/** Uninstalls, or prints in a dry run what would be done. A host without any rules of ours is left as it is. */
export async function uninstallTransparentProxy(options: UninstallOptions): Promise<void> {
  const { host, config, print, warn } = options;
  requireRoot(host, config.dryRun, warn);
  const wanted = wantedRules(options);
  refuseToLeaveRules(wanted, options);
  const uncommented = uncommentedParts(host, wanted);
  let changed = false;
  for (const part of wanted) changed = (await clear(part, options)) || changed;
  changed = clearAddress(options) || changed;
  changed = clearFirewalld(options) || changed;
  changed = restoreResolvConfig(options) || changed;
  if (config.dryRun) return;
  const left = uncommented.flatMap(({ iptables }) => doubtfulRules(host, iptables));
  if (left.length > 0)
    warn(
      `the configuration that was given does not make these, which may be left of ours, or another's:\n${left.join('\n')}`,
    );
  print(
    changed
      ? '# Traffic of this host is not redirected any more\n'
      : '# Traffic of this host is not redirected: nothing to do\n',
  );
}

function wantedRules({ host, config, configGiven }: UninstallOptions): readonly WantedRules[] {
  // The rules by which uncommented ones are known need a user; commented ones are known by their comments.
  const known = { ...config, kumaDpUser: config.kumaDpUser === '' && !configGiven ? '0' : config.kumaDpUser };
  const plans = planFamilies(host, { ...known, dryRun: true }, () => {});
  return findAllIptables(host).map((iptables) => ({
    iptables,
    config,
    tables: plans.find(({ family }) => family === iptables.family)?.tables ?? [],
    keep: false,
    style: { long: config.verbose, comments: true },
  }));
}

/** Once our chains are gone nothing tells that rules without comments were ours, and one that redirects DNS to nobody cuts the host off. */
function refuseToLeaveRules(
  wanted: readonly WantedRules[],
  { host, config, configGiven, warn }: UninstallOptions,
): void {
  if (configGiven) return;
  const rules = uncommentedParts(host, wanted).flatMap(({ iptables }) => doubtfulRules(host, iptables));
  if (rules.length === 0) return;
  const message =
    `the rules were made without comments (--disable-comments); these may be of them, or of another program:\n${rules.join('\n')}\n` +
    'Give --config the file that they were made with; or install again with the same flags, but without --disable-comments, and uninstall then';
  if (!config.dryRun) throw new MeshError('conflict', `nothing was changed: ${message}`);
  warn(message);
}

function uncommentedParts(host: Host, wanted: readonly WantedRules[]): readonly WantedRules[] {
  return wanted.filter((part) => planHostChange(host, part).uncommented);
}

async function clear(wanted: WantedRules, { host, config, print, warn }: UninstallOptions): Promise<boolean> {
  const { iptables } = wanted;
  const name = `${familyNames[iptables.family]}, iptables-${iptables.mode}`;
  const { text } = config.dryRun ? planHostChange(host, wanted) : await applyChange(host, wanted, warn);
  if (text === '') return false;
  if (config.dryRun || config.verbose) print(`### ${name} ###\n\n${text}\n`);
  if (!config.dryRun) print(`# ${name}: all rules are gone\n`);
  return true;
}

function clearAddress({ host, config, print }: UninstallOptions): boolean {
  if (!hasBypassAddress(host)) return false;
  if (!config.dryRun) removeBypassAddress(host);
  print(`# The address ::6 of the loopback interface ${config.dryRun ? 'would go' : 'is gone'}\n`);
  return true;
}

function clearFirewalld({ host, config, print }: UninstallOptions): boolean {
  const before = host.read(firewalldFile) ?? '';
  if (!hasFirewalldElements(before)) return false;
  if (!config.dryRun) host.write(firewalldFile, formatFirewalldFile([], before));
  print(`# The rules in ${firewalldFile} ${config.dryRun ? 'would go' : 'are gone'}\n`);
  return true;
}

function restoreResolvConfig({ host, config, print }: UninstallOptions): boolean {
  const backup = host.read(resolvConfigBackup);
  if (backup === undefined) return false;
  if (!config.dryRun) {
    host.write(resolvConfig, backup);
    host.remove(resolvConfigBackup);
  }
  print(`# ${resolvConfig} ${config.dryRun ? 'would be' : 'is'} what it was before an older version changed it\n`);
  return true;
}
