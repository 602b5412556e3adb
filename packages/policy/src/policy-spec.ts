// The shape that all policies share; what stands in `default` differs from policy to policy.
import type { TargetRef } from '@ursa/resources';

/** One entry of `to`: what to do with traffic that goes there. Route policies have `rules` (and `hostnames`) in place of `default`. */
export interface ToEntry {
  readonly targetRef: TargetRef;
  readonly default?: unknown;
  readonly rules?: unknown;
  readonly hostnames?: readonly string[];
}

/** One entry of `from`: what to do with traffic that comes from there. */
export interface FromEntry {
  readonly targetRef: TargetRef;
  readonly default?: unknown;
}

/** How a client is told from others on an inbound (feature G8). */
export interface InboundMatch {
  readonly spiffeID?: { readonly type: 'Exact' | 'Prefix'; readonly value: string };
  readonly sni?: { readonly type: 'Exact'; readonly value: string };
}

/** One entry of `rules`: what to do with the traffic of an inbound, all of it or what one of the matches selects. */
export interface RuleEntry {
  readonly matches?: readonly InboundMatch[];
  readonly default?: unknown;
}

/** Spec of any policy. Exactly which lists are allowed is said by its definition. */
export interface PolicySpec {
  readonly targetRef?: TargetRef;
  readonly to?: readonly ToEntry[];
  readonly from?: readonly FromEntry[];
  readonly rules?: readonly RuleEntry[];
  readonly default?: unknown;
}

/** Every conf of a policy, wherever it stands. */
export function everyConf({ default: conf, to = [], from = [], rules = [] }: PolicySpec): readonly unknown[] {
  const confs = [conf, ...[...to, ...from, ...rules].map((entry) => entry.default)];
  return confs.filter((given) => given !== undefined);
}
