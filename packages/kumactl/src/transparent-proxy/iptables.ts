// Which iptables a host has. There are two kinds, nft and legacy, with tables of their own: rules made by one are not seen by the other, though
// the kernel heeds both.
import { MeshError } from '@ursa/resources';
import {
  type Capabilities,
  hasDockerDns,
  hasForeignRules,
  type IpFamily,
  parseSavedRules,
  type SavedTable,
  type TransparentProxyConfig,
} from '@ursa/transparent-proxy';
import type { Host } from './host.ts';

/** The kinds of iptables. */
export type IptablesMode = 'nft' | 'legacy';

/** The three programs of one kind for one family. */
export interface Iptables {
  readonly mode: IptablesMode;
  readonly family: IpFamily;
  readonly iptables: string;
  readonly save: string;
  readonly restore: string;
}

const modes: readonly IptablesMode[] = ['nft', 'legacy'];
const families: readonly IpFamily[] = ['ipv4', 'ipv6'];
const prefixes = { ipv4: 'iptables', ipv6: 'ip6tables' } as const;

/** Names of the families as people write them. */
export const familyNames = { ipv4: 'IPv4', ipv6: 'IPv6' } as const;

/** All that the host has. */
export function findAllIptables(host: Host): readonly Iptables[] {
  return modes.flatMap((mode) => families.flatMap((family) => findIptables(host, mode, family) ?? []));
}

/**
 * Which to use for IPv4: those that are given; else nft, unless only legacy works or only legacy has rules of others, such as Docker's. Undefined
 * when none works.
 */
export function chooseIptables(host: Host, config: TransparentProxyConfig): Iptables | undefined {
  const given = givenIptables(host, config, 'ipv4');
  if (given !== undefined) return given;
  const [nft, legacy] = modes.map((mode) => findIptables(host, mode, 'ipv4'));
  if (nft === undefined || !isUsable(host, nft)) return usable(host, legacy);
  // Looking at a table makes the kernel load it: legacy is left alone unless somebody uses it.
  const inLegacy = legacy === undefined ? [] : readTables(host, legacy);
  if (!hasForeignRules(inLegacy)) return nft;
  const inNft = readTables(host, nft);
  const legacyRules = !hasForeignRules(inNft) || (hasDockerDns(inLegacy) && !hasDockerDns(inNft));
  return (legacyRules ? usable(host, legacy) : undefined) ?? nft;
}

/** The programs for IPv6 that go with those for IPv4. Undefined when there are none. */
export function matchingIptables(host: Host, config: TransparentProxyConfig, mode: IptablesMode): Iptables | undefined {
  return usable(host, givenIptables(host, config, 'ipv6') ?? findIptables(host, mode, 'ipv6'));
}

/** What they can do. */
export function readCapabilities(host: Host, iptables: Iptables): Capabilities {
  const tables = (['nat', 'raw', 'mangle'] as const).filter((table) => hasTable(host, iptables, table));
  const matches = (['comment', 'conntrack', 'udp'] as const).filter((match) => hasMatch(host, iptables, match));
  return {
    comment: matches.includes('comment'),
    zones: tables.includes('raw') && matches.includes('conntrack') && matches.includes('udp'),
    mangle: tables.includes('mangle'),
    dockerDns: hasDockerDns(readTables(host, iptables)),
  };
}

/** All tables as they are now. Throws when they cannot be read. */
export function readTables(host: Host, { save }: Iptables): readonly SavedTable[] {
  const { status, stdout, stderr } = host.run(save, []);
  if (status !== 0) throw new MeshError('unavailable', `${save} failed: ${stderr.trim()}`);
  return parseSavedRules(stdout);
}

function findIptables(host: Host, mode: IptablesMode, family: IpFamily): Iptables | undefined {
  const prefix = prefixes[family];
  const find = (ending: string): string | undefined =>
    [`${prefix}-${mode}${ending}`, `${prefix}${ending}`]
      .flatMap((name) => host.find(name) ?? [])
      .find((path) => modeOf(host, path) === mode);
  const [iptables, save, restore] = ['', '-save', '-restore'].map(find);
  if (iptables === undefined || save === undefined || restore === undefined) return undefined;
  return { mode, family, iptables, save, restore };
}

function givenIptables(host: Host, { executables }: TransparentProxyConfig, family: IpFamily): Iptables | undefined {
  const prefix = prefixes[family];
  const names = [prefix, `${prefix}-save`, `${prefix}-restore`];
  if (executables[prefix] === undefined) return undefined;
  const found = names.map((name) => {
    const path = host.find(executables[name] ?? '');
    const mode = path === undefined ? undefined : modeOf(host, path);
    if (path !== undefined && mode !== undefined) return { path, mode };
    throw new MeshError(
      'invalid',
      `--iptables-executables: ${name}: ${executables[name]} is not a program of iptables`,
    );
  });
  const [iptables, save, restore] = found;
  if (iptables === undefined || save === undefined || restore === undefined) return undefined;
  if (save.mode !== iptables.mode || restore.mode !== iptables.mode) {
    const described = names.map((name, index) => `${name} is ${found[index]?.mode}`).join(', ');
    throw new MeshError(
      'invalid',
      `--iptables-executables: all three have to be of one kind, nft or legacy; ${described}`,
    );
  }
  return { mode: iptables.mode, family, iptables: iptables.path, save: save.path, restore: restore.path };
}

/** Versions before 1.8 know one kind, and do not say so; the oldest do not even know the option. */
function modeOf(host: Host, path: string): IptablesMode | undefined {
  const { stdout, stderr } = host.run(path, ['--version']);
  if (/unrecognized option '--version'/.test(stderr)) return 'legacy';
  const kind = stdout.match(/^ip6?tables[\w-]* v[\d.]+(?: \((.*?)\))?/m);
  if (kind === null) return undefined;
  return kind[1] === 'nf_tables' ? 'nft' : 'legacy';
}

function usable(host: Host, iptables: Iptables | undefined): Iptables | undefined {
  return iptables !== undefined && isUsable(host, iptables) ? iptables : undefined;
}

/** What no redirection can do without. */
function isUsable(host: Host, iptables: Iptables): boolean {
  return hasTable(host, iptables, 'nat') && ['tcp', 'owner'].every((match) => hasMatch(host, iptables, match));
}

function hasTable(host: Host, { save }: Iptables, table: string): boolean {
  return host.run(save, ['-t', table]).status === 0;
}

function hasMatch(host: Host, { iptables }: Iptables, match: string): boolean {
  return host.run(iptables, ['-m', match, '-h']).status === 0;
}
