// Writes rules as iptables reads them, with short options or with long ones.
import { commentMark } from './marks.ts';
import type { Jump, Match, Rule } from './rule.ts';

/** What the kernel keeps of a comment. */
const longestComment = 255;

/** How rules are written. */
export interface RuleStyle {
  readonly long: boolean;
  readonly comments: boolean;
}

const options = {
  append: ['-A', '--append'],
  insert: ['-I', '--insert'],
  newChain: ['-N', '--new-chain'],
  match: ['-m', '--match'],
  jump: ['-j', '--jump'],
  protocol: ['-p', '--protocol'],
  source: ['-s', '--source'],
  destination: ['-d', '--destination'],
  inInterface: ['-i', '--in-interface'],
  outInterface: ['-o', '--out-interface'],
  destinationPort: ['--dport', '--destination-port'],
  sourcePort: ['--sport', '--source-port'],
} as const;

/** The arguments of a rule without its chain, one word each; a comment is one word. */
export function ruleArguments(rule: Rule, style: RuleStyle): readonly string[] {
  const comment = style.comments
    ? [optionOf('match', style), 'comment', '--comment', `${commentMark}${rule.comment}`.slice(0, longestComment)]
    : [];
  return [
    ...comment,
    ...rule.matches.flatMap((match) => matchArguments(match, style)),
    ...jumpArguments(rule.jump, style),
  ];
}

/** An option by its name. */
export function optionOf(name: keyof typeof options, { long }: RuleStyle): string {
  return options[name][long ? 1 : 0];
}

/** Words as one line of iptables-restore: those with spaces or quotes are quoted. */
export function joinArguments(words: readonly string[]): string {
  return words
    .map((word) => (/^[^\s"'\\]+$/.test(word) ? word : `"${word.replaceAll(/["\\]/g, String.raw`\$&`)}"`))
    .join(' ');
}

function matchArguments(match: Match, style: RuleStyle): readonly string[] {
  const unless = 'not' in match && match.not === true ? ['!'] : [];
  switch (match.kind) {
    case 'protocol': {
      const { protocol, destinationPort, sourcePort } = match;
      return [
        ...[optionOf('protocol', style), protocol],
        ...(destinationPort === undefined ? [] : [optionOf('destinationPort', style), destinationPort]),
        ...(sourcePort === undefined ? [] : [optionOf('sourcePort', style), sourcePort]),
      ];
    }
    case 'source':
    case 'destination':
      return [...unless, optionOf(match.kind, style), match.address];
    case 'inInterface':
    case 'outInterface':
      return [optionOf(match.kind, style), match.name];
    case 'owner':
      return [optionOf('match', style), 'owner', ...unless, '--uid-owner', match.uids];
    case 'module':
      return [optionOf('match', style), match.name];
    case 'invalidConnection':
      return [optionOf('match', style), 'conntrack', '--ctstate', 'INVALID'];
  }
}

function jumpArguments(jump: Jump, style: RuleStyle): readonly string[] {
  const option = optionOf('jump', style);
  switch (jump.kind) {
    case 'chain':
      return [option, jump.name];
    case 'redirect':
      return [option, 'REDIRECT', '--to-ports', String(jump.port)];
    case 'zone':
      return [option, 'CT', '--zone', String(jump.zone)];
    case 'log':
      return [option, 'LOG', '--log-prefix', jump.prefix, '--log-level', String(jump.level)];
  }
}
