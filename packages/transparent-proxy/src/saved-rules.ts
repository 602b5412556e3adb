// Reads what iptables-save prints, and finds our own part in it. Everything else there is another's and is never written again.
import { commentMark, ownChains } from './marks.ts';

/** One table as it is on the host. */
export interface SavedTable {
  readonly name: string;
  readonly chains: readonly string[];
  /** Lines that begin with `-A`, as they were printed. */
  readonly rules: readonly string[];
}

const ourChains: ReadonlySet<string> = new Set(Object.values(ownChains));
// With a space in it, iptables-save prints a comment in quotes.
const ourComment = `--comment "${commentMark}`;

/** Reads the tables. Lines that are neither tables, chains nor rules (comments, counters) are left out. */
export function parseSavedRules(text: string): readonly SavedTable[] {
  const tables: { name: string; chains: string[]; rules: string[] }[] = [];
  for (const line of text.split('\n').map((part) => part.trim())) {
    if (line.startsWith('*')) tables.push({ name: line.slice(1).trim(), chains: [], rules: [] });
    else if (line.startsWith(':')) tables.at(-1)?.chains.push(line.slice(1).split(' ')[0] ?? '');
    else if (line.startsWith('-A ')) tables.at(-1)?.rules.push(line);
  }
  return tables;
}

/** Our part of a table. */
export interface OwnPart {
  readonly table: string;
  readonly chains: readonly string[];
  /** Rules of ours in chains of others, as printed. */
  readonly rules: readonly string[];
  /** True when rules were made without comments: then more may be ours than can be told. */
  readonly uncommented: boolean;
}

/** Our parts of all tables; tables without any are left out. */
export function ownParts(tables: readonly SavedTable[]): readonly OwnPart[] {
  return tables
    .map(({ name, chains, rules }) => ({
      table: name,
      chains: chains.filter((chain) => ourChains.has(chain)),
      rules: rules.filter((rule) => !ourChains.has(chainOf(rule)) && isOurs(rule)),
      uncommented: rules.some((rule) => ourChains.has(chainOf(rule)) && !rule.includes(ourComment)),
    }))
    .filter(({ chains, rules }) => chains.length > 0 || rules.length > 0);
}

/** Whether there are rules or chains that others made. */
export function hasForeignRules(tables: readonly SavedTable[]): boolean {
  return tables.some(
    ({ chains, rules }) =>
      rules.some((rule) => !ourChains.has(chainOf(rule)) && !isOurs(rule)) ||
      chains.some((chain) => !ourChains.has(chain) && !builtInChains.has(chain)),
  );
}

/**
 * Rules that may be ours, made without comments: of the kinds that we put into chains of others, with nothing that says whose they are. As printed,
 * without `-A`.
 */
export function anybodysRules({ rules }: SavedTable): readonly string[] {
  return rules
    .filter(
      (rule) =>
        / -j (?:RETURN|REDIRECT|CT|DROP|LOG)\b|--uid-owner \d+ -j DOCKER_OUTPUT\b/.test(rule) &&
        /^-A (?:PREROUTING|OUTPUT) /.test(rule),
    )
    .filter((rule) => !isOurs(rule) && !rule.includes(' --comment '))
    .map((rule) => rule.slice('-A '.length));
}

/** Whether Docker answers DNS here. */
export function hasDockerDns(tables: readonly SavedTable[]): boolean {
  return tables.some(({ name, chains }) => name === 'nat' && chains.includes('DOCKER_OUTPUT'));
}

const builtInChains: ReadonlySet<string> = new Set(['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING']);

function chainOf(rule: string): string {
  return rule.split(' ')[1] ?? '';
}

function isOurs(rule: string): boolean {
  if (rule.includes(ourComment)) return true;
  const target = rule.match(/ -[jg] (\S+)/)?.[1];
  return target !== undefined && ourChains.has(target);
}
