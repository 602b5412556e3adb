// What is known of a host before its rules are made: which iptables to use for each family, and the facts that the rules depend on.
import { MeshError } from '@ursa/resources';
import {
  buildTables,
  type Capabilities,
  familyOf,
  type IpFamily,
  presumedCapabilities,
  type RuleStyle,
  type Table,
  type TransparentProxyConfig,
} from '@ursa/transparent-proxy';
import { hasIpv6 } from './bypass-address.ts';
import type { Host } from './host.ts';
import { chooseIptables, familyNames, type Iptables, matchingIptables, readCapabilities } from './iptables.ts';
import { findKumaDpUser } from './kuma-dp-user.ts';

/** One family's rules, and where they go. */
export interface FamilyPlan {
  readonly family: IpFamily;
  /** Undefined in a dry run without any iptables. */
  readonly iptables: Iptables | undefined;
  readonly tables: readonly Table[];
  readonly style: RuleStyle;
  /** Of the user that runs kuma-dp. */
  readonly uid: string;
}

/** Makes the rules of all families that are redirected. `warn` gets what is odd. Throws `MeshError` when they cannot be made. */
export function planFamilies(
  host: Host,
  config: TransparentProxyConfig,
  warn: (line: string) => void,
): readonly FamilyPlan[] {
  const uid = findKumaDpUser(host, config);
  const planOf = (family: IpFamily, iptables: Iptables | undefined): FamilyPlan => {
    const capabilities = iptables === undefined ? presumedCapabilities : readCapabilities(host, iptables);
    warnOfMissing(config, capabilities, family, warn);
    const dnsServers = readDnsServers(host, config, family, warn);
    const tables = buildTables({ config, family, uid, loopback: host.loopback(), dnsServers, capabilities });
    const comments = capabilities.comment && !config.commentsDisabled;
    return { family, iptables, tables, style: { long: config.verbose, comments }, uid };
  };
  const forIpv4 = chooseIptables(host, config);
  if (forIpv4 === undefined) reportMissing('ipv4', config, warn);
  const ipv4 = planOf('ipv4', forIpv4);
  if (config.ipFamilyMode === 'ipv4') return [ipv4];
  if (!hasIpv6(host)) {
    if (config.verbose) warn('IPv6 is switched off on this host: there are no rules for it');
    return [ipv4];
  }
  const forIpv6 = forIpv4 && matchingIptables(host, config, forIpv4.mode);
  if (forIpv6 === undefined && forIpv4 !== undefined) reportMissing('ipv6', config, warn);
  return [ipv4, planOf('ipv6', forIpv6)];
}

function reportMissing(family: IpFamily, { dryRun }: TransparentProxyConfig, warn: (line: string) => void): void {
  const name = family === 'ipv4' ? 'iptables' : 'ip6tables';
  if (dryRun) {
    warn(`no usable ${name} was found; with it, the rules may be others`);
    return;
  }
  const otherwise = family === 'ipv4' ? '' : ', or redirect IPv4 alone (--ip-family-mode ipv4)';
  throw new MeshError(
    'unavailable',
    `no usable ${name} was found: it has to have the table nat and the matches tcp and owner; install the package iptables${otherwise}`,
  );
}

function warnOfMissing(
  config: TransparentProxyConfig,
  capabilities: Capabilities,
  family: IpFamily,
  warn: (line: string) => void,
): void {
  const lacks = `the iptables of this host lack it (${familyNames[family]})`;
  if (config.dnsEnabled && !config.dnsSkipZoneSplit && !capabilities.zones)
    warn(`DNS requests are not split into zones of connection tracking: ${lacks}`);
  if (config.dropInvalidPackets && !capabilities.mangle) warn(`invalid packets are not dropped: ${lacks}`);
  if (!config.commentsDisabled && !capabilities.comment) warn(`the rules have no comments: ${lacks}`);
}

function readDnsServers(
  host: Host,
  { dnsEnabled, dnsCaptureAll, resolvConfigPath }: TransparentProxyConfig,
  family: IpFamily,
  warn: (line: string) => void,
): readonly string[] {
  if (!dnsEnabled || dnsCaptureAll) return [];
  const text = host.read(resolvConfigPath);
  if (text === undefined)
    throw new MeshError('not-found', `redirect.dns.resolvConfigPath: ${resolvConfigPath} cannot be read`);
  const servers = [...text.matchAll(/^[ \t]*nameserver[ \t]+([^\s%#;]+)/gm)].map(([, address = '']) => address);
  const ofFamily = servers.filter((address) => familyOf(address) === family);
  if (ofFamily.length === 0)
    warn(
      `${resolvConfigPath} names no ${familyNames[family]} server: DNS over ${familyNames[family]} is not redirected`,
    );
  return ofFamily;
}
