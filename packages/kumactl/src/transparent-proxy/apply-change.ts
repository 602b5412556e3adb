// Brings the rules of one iptables to what is wanted, in as few steps as there can be: one transaction a table, tried again when it fails.
import { formatDuration, MeshError } from '@ursa/resources';
import {
  anybodysRules,
  formatRestoreText,
  joinArguments,
  ownParts,
  planChange,
  type RuleStyle,
  ruleArguments,
  type Table,
  type TableLines,
  type TransparentProxyConfig,
  tableLines,
} from '@ursa/transparent-proxy';
import type { Host, ProgramOptions } from './host.ts';
import { familyNames, type Iptables, readTables } from './iptables.ts';

/** What is to be done. */
export interface WantedRules {
  readonly iptables: Iptables;
  readonly config: TransparentProxyConfig;
  /** The rules for this host: those that should be there, or, without `keep`, those by which ones without comments are known. */
  readonly tables: readonly Table[];
  /** False to take everything away. */
  readonly keep: boolean;
  readonly style: RuleStyle;
}

/** What a change is made of. */
export interface Change {
  /** Input of iptables-restore; '' when there is nothing to do. */
  readonly text: string;
  /** True when some rules of ours have no comments, so that others may be left. */
  readonly uncommented: boolean;
}

/** The change that would be made now. */
export function planHostChange(host: Host, { iptables, config, tables, keep, style }: WantedRules): Change {
  const present = ownParts(readTables(host, iptables));
  // Who says so may have taken our chains away already, with what is known by them.
  const uncommented = config.commentsDisabled || present.some((part) => part.uncommented);
  const wanted = keep ? tables.map((table) => tableLines(table, style)) : [];
  const known = uncommented ? findUncommented(host, iptables, tables) : new Map<string, readonly string[]>();
  const lines: readonly TableLines[] = planChange({ present, uncommented: known, wanted });
  return { text: formatRestoreText(lines, style), uncommented };
}

/** Rules that may be ours, made without comments, or another's; each as a line that says where it is. */
export function doubtfulRules(host: Host, iptables: Iptables): readonly string[] {
  const where = `${familyNames[iptables.family]}, iptables-${iptables.mode}`;
  return readTables(host, iptables).flatMap((table) =>
    anybodysRules(table).map((rule) => `  ${where}, ${table.name}: ${rule}`),
  );
}

/** Makes the change. `say` gets a line for every failed attempt. Throws when the last one failed: then nothing of its table has changed. */
export async function applyChange(host: Host, wanted: WantedRules, say: (line: string) => void): Promise<Change> {
  const { iptables, config } = wanted;
  const attempts = config.maxRetries + 1;
  for (let attempt = 1; ; attempt += 1) {
    const change = planHostChange(host, wanted);
    if (change.text === '') return change;
    const { status, stderr } = host.run(iptables.restore, restoreArguments(iptables, config), {
      input: change.text,
      ...lockOptions(config),
    });
    if (status === 0) return change;
    const reason = stderr.trim().replaceAll(/\s*\n\s*/g, '; ');
    if (attempt === attempts) {
      const times = attempts === 1 ? '' : ` ${attempts} times`;
      throw new MeshError(
        'unavailable',
        `${iptables.restore} failed${times}, the ${familyNames[iptables.family]} rules are as they were: ${reason}`,
      );
    }
    say(`${iptables.restore} failed, trying again in ${formatDuration(config.retryPause)}: ${reason}`);
    await host.pause(config.retryPause);
  }
}

function restoreArguments({ mode }: Iptables, { wait, waitInterval }: TransparentProxyConfig): readonly string[] {
  // Only legacy has a lock.
  const lock =
    mode === 'nft'
      ? []
      : [...(wait > 0 ? [`--wait=${wait}`] : []), ...(waitInterval > 0 ? [`--wait-interval=${waitInterval}`] : [])];
  return ['--noflush', ...lock];
}

/** From outside of the host's namespace, its lock guards nothing of ours. */
function lockOptions({ cniMode }: TransparentProxyConfig): ProgramOptions {
  return cniMode ? { env: { XTABLES_LOCKFILE: '/dev/null' } } : {};
}

/** Rules in chains of others are asked for one by one: iptables knows best whether two rules are the same. */
function findUncommented(host: Host, { iptables }: Iptables, tables: readonly Table[]): Map<string, readonly string[]> {
  const found = new Map<string, readonly string[]>();
  for (const { name, chains, rules } of tables) {
    const there = rules
      .filter(({ chain, jump }) => !chains.includes(chain) && !(jump.kind === 'chain' && chains.includes(jump.name)))
      .map((rule) => [rule.chain, ...ruleArguments(rule, { long: false, comments: false })])
      .filter((words) => host.run(iptables, ['-t', name, '-C', ...words]).status === 0);
    if (there.length > 0) found.set(name, there.map(joinArguments));
  }
  return found;
}
