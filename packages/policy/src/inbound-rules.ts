// Rules of inbounds: what `rules` (or `from`, where a policy turns it into rules) says of the traffic an inbound receives.
import { type MergeOptions, mergeConfs } from './merge-conf.ts';
import { comparePolicies } from './order.ts';
import type { RuleOrigin } from './outbound-rules.ts';
import type { PolicyHead } from './policy-head.ts';
import type { InboundMatch } from './policy-spec.ts';

/** One entry of one policy, for all traffic of the inbound or for what `match` selects. */
export interface InboundRule<Conf = unknown> {
  readonly match?: InboundMatch;
  readonly conf: Conf;
  readonly origin: RuleOrigin;
}

/**
 * The entries of the policies that apply to an inbound, the weakest first within equal matches; entries with a narrower match come
 * before wider ones. An entry with several matches stands once for each.
 */
export function mergeInbound(policies: readonly PolicyHead[], fromAsRules: boolean): readonly InboundRule[] {
  const rules = policies.toSorted(comparePolicies).flatMap((head) => entriesOf(head, fromAsRules));
  return rules.sort((first, second) => matchRank(second.match) - matchRank(first.match));
}

function entriesOf(head: PolicyHead, fromAsRules: boolean): InboundRule[] {
  const { rules = [], from = [] } = head.spec;
  if (rules.length > 0) {
    return rules.flatMap((entry, ruleIndex) => {
      const rule = { conf: entry.default ?? {}, origin: { head, ruleIndex } };
      const matches = entry.matches ?? [];
      return matches.length === 0 ? [rule] : matches.map((match) => ({ ...rule, match }));
    });
  }
  if (!fromAsRules) return [];
  return from.map((entry, ruleIndex) => ({ conf: entry.default ?? {}, origin: { head, ruleIndex } }));
}

function matchRank(match: InboundMatch | undefined): number {
  const identity = { Exact: 4, Prefix: 2, none: 0 }[match?.spiffeID?.type ?? 'none'];
  return identity + (match?.sni === undefined ? 0 : 1);
}

/** Merged conf for all traffic of an inbound: of the rules without a match. Undefined when there is none. */
export function confForAll<Conf>(rules: readonly InboundRule<Conf>[], options: MergeOptions = {}): Conf | undefined {
  const general = rules.filter((rule) => rule.match === undefined);
  return mergeConfs(
    general.map((rule) => rule.conf),
    options,
  )[0];
}
