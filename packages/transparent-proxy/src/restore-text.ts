// Rules as input of iptables-restore: what a dry run prints, and what is applied.
import { joinArguments, optionOf, type RuleStyle, ruleArguments } from './format-rule.ts';
import type { Rule, Table } from './rule.ts';

/** What stands in one table's part of the input. */
export interface TableLines {
  readonly name: string;
  readonly chains: readonly string[];
  readonly rules: readonly string[];
}

/** The lines of a table as they are for a host without any rules of ours. */
export function tableLines(table: Table, style: RuleStyle): TableLines {
  const newChain = optionOf('newChain', style);
  return {
    name: table.name,
    chains: table.chains.map((chain) => `${newChain} ${chain}`),
    rules: ruleLines(table.rules, style),
  };
}

/** Rules as lines: inserted ones are counted from the top of their chain, so that they keep their order. */
export function ruleLines(rules: readonly Rule[], style: RuleStyle): readonly string[] {
  const inserted = new Map<string, number>();
  return rules.map((rule) => {
    const words = joinArguments(ruleArguments(rule, style));
    if (rule.insert !== true) return `${optionOf('append', style)} ${rule.chain} ${words}`;
    const position = (inserted.get(rule.chain) ?? 0) + 1;
    inserted.set(rule.chain, position);
    return `${optionOf('insert', style)} ${rule.chain} ${position} ${words}`;
  });
}

/** Tables as text, with headings when the options are long ones. */
export function formatRestoreText(tables: readonly TableLines[], { long }: Pick<RuleStyle, 'long'>): string {
  return tables.map((table) => formatTable(table, long)).join('\n');
}

function formatTable({ name, chains, rules }: TableLines, long: boolean): string {
  if (!long) return [`* ${name}`, ...chains, ...rules, 'COMMIT', ''].join('\n');
  const chainPart = chains.length === 0 ? [] : ['', '# Custom Chains:', ...chains];
  const rulePart = rules.length === 0 ? [] : ['', '# Rules:', ...rules];
  return [`* ${name}`, ...chainPart, ...rulePart, '', 'COMMIT', ''].join('\n');
}
